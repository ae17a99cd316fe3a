package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// The program runner exits with this when it has already shown the user what is wrong.
const shown = 32

const stopPatience = 5 * time.Second

var errStopped = errors.New("the engine has stopped its programs")

// programs are those that run now, so that they can be stopped together.
type programs struct {
	runner  string // the path of Pulumi's program runner
	engine  string // the engine's address
	lock    sync.Mutex
	running map[*exec.Cmd]chan struct{} // each with what is closed when it has ended
	stopped bool
}

// run runs a program to its end. Its output goes where ours goes, which is to the engine.
func (programs *programs) run(request *pulumirpc.RunRequest) *pulumirpc.RunResponse {
	interpreter := python(request.Info)
	if _, err := exec.LookPath(interpreter); err != nil {
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("there is no %s: run `make setup`", interpreter)}
	}
	command := exec.Command(interpreter, programs.arguments(request)...)
	command.Dir = request.Pwd
	command.Env = environment(request, interpreter)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	ended := make(chan struct{})
	if err := programs.start(command, ended); errors.Is(err, errStopped) {
		return &pulumirpc.RunResponse{Bail: true}
	} else if err != nil {
		return &pulumirpc.RunResponse{Error: err.Error()}
	}
	err := command.Wait()
	close(ended)
	programs.lock.Lock()
	defer programs.lock.Unlock()
	delete(programs.running, command)
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}
	case programs.stopped || command.ProcessState.ExitCode() == shown:
		return &pulumirpc.RunResponse{Bail: true}
	default:
		return &pulumirpc.RunResponse{Error: "the program ended with " + err.Error()}
	}
}

// start starts a program, unless they were stopped.
func (programs *programs) start(command *exec.Cmd, ended chan struct{}) error {
	programs.lock.Lock()
	defer programs.lock.Unlock()
	if programs.stopped {
		return errStopped
	}
	if err := command.Start(); err != nil {
		return err
	}
	programs.running[command] = ended
	return nil
}

// stop stops what runs and lets nothing new start.
func (programs *programs) stop() {
	programs.lock.Lock()
	programs.stopped = true
	running := maps.Clone(programs.running)
	for command := range running {
		_ = command.Process.Signal(syscall.SIGTERM)
	}
	programs.lock.Unlock()
	for command, ended := range running {
		select {
		case <-ended:
		case <-time.After(stopPatience):
			_ = command.Process.Kill()
		}
	}
}

// python returns the interpreter of the virtual environment that Pulumi.yaml names; without one, that on PATH.
func python(info *pulumirpc.ProgramInfo) string {
	named := info.GetOptions().GetFields()["virtualenv"].GetStringValue()
	if named == "" {
		return "python3"
	}
	if !filepath.IsAbs(named) {
		named = filepath.Join(info.GetRootDirectory(), named)
	}
	return filepath.Join(named, "bin", "python")
}

// pythonVersion returns the version that a virtual environment was made with, as its configuration has it.
func pythonVersion(interpreter string) string {
	settings, _ := os.ReadFile(filepath.Join(filepath.Dir(interpreter), "..", "pyvenv.cfg"))
	for line := range strings.Lines(string(settings)) {
		if name, value, _ := strings.Cut(line, "="); strings.TrimSpace(name) == "version" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// arguments returns those of Python: Pulumi's program runner, and what the engine asks of it.
func (programs *programs) arguments(request *pulumirpc.RunRequest) []string {
	info := request.Info
	arguments := []string{"-u", programs.runner}
	for _, flag := range [][2]string{
		{"monitor", request.MonitorAddress},
		{"engine", programs.engine},
		{"project", request.Project},
		{"root_directory", info.GetRootDirectory()},
		{"stack", request.Stack},
		{"pwd", request.Pwd},
		{"dry_run", strconv.FormatBool(request.DryRun)},
		{"parallel", strconv.Itoa(int(request.Parallel))},
		{"organization", request.Organization},
	} {
		if flag[1] != "" {
			arguments = append(arguments, "--"+flag[0], flag[1])
		}
	}
	program := info.GetEntryPoint()
	if program == "" || program == "." {
		program = info.GetProgramDirectory()
	}
	return append(append(arguments, program), request.Args...)
}

// environment returns ours, with the program's virtual environment active and its configuration in it.
func environment(request *pulumirpc.RunRequest, interpreter string) []string {
	bin := filepath.Dir(interpreter)
	added := []string{
		"PULUMI_CONFIG=" + text(request.Config, "{}"),
		"PULUMI_CONFIG_SECRET_KEYS=" + text(request.ConfigSecretKeys, "[]"),
	}
	if filepath.IsAbs(interpreter) {
		// Python would look for its library where this says, and not in the virtual environment.
		os.Unsetenv("PYTHONHOME")
		path := bin + string(os.PathListSeparator) + os.Getenv("PATH")
		added = append(added, "VIRTUAL_ENV="+filepath.Dir(bin), "PATH="+path)
	}
	return append(os.Environ(), added...)
}

// text returns a value as JSON, and another text for none.
func text(value any, none string) string {
	encoded, err := json.Marshal(value)
	if err != nil || string(encoded) == "null" {
		return none
	}
	return string(encoded)
}
