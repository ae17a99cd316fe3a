// A small Pulumi language host for Python, for machines whose CLI was built from its Go modules: the official one
// is in Pulumi's releases only, and runs where one is installed. This one answers what a preview, an update and
// `pulumi about` ask; gRPC answers the rest with "unimplemented".
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// As high as upstream's: the configuration of a stack travels in one message.
const messageBytes = 400 << 20

const orphanCheck = time.Second

func main() {
	if err := serve(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve answers on a free loopback port until SIGINT, SIGTERM or the engine's death.
func serve(arguments []string) error {
	stopping := make(chan os.Signal, 1)
	signal.Notify(stopping, syscall.SIGINT, syscall.SIGTERM)
	parent := os.Getppid()
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	programs := &programs{runner: executable + "-exec", engine: positional(arguments), running: map[*exec.Cmd]chan struct{}{}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(messageBytes))
	pulumirpc.RegisterLanguageRuntimeServer(server, &host{programs: programs})
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	// A killed engine tells nobody: its children see that they have another parent.
	check := time.NewTicker(orphanCheck)
	for os.Getppid() == parent {
		select {
		case err := <-served:
			return err
		case <-stopping:
			parent = 0
		case <-check.C:
		}
	}
	programs.stop()
	server.Stop()
	return nil
}

// positional returns the engine's address: the engine adds flags of its own (-tracing and the like) around it.
func positional(arguments []string) string {
	for _, argument := range arguments {
		if !strings.HasPrefix(argument, "-") {
			return argument
		}
	}
	return ""
}

type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	programs *programs
}

func (*host) Handshake(
	context.Context, *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

func (*host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version.Version}, nil
}

// GetRequiredPackages names no plugin: the dynamic provider stands beside the CLI.
func (*host) GetRequiredPackages(
	context.Context, *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	return &pulumirpc.GetRequiredPackagesResponse{}, nil
}

func (*host) GetRequiredPlugins(
	context.Context, *pulumirpc.GetRequiredPluginsRequest,
) (*pulumirpc.GetRequiredPluginsResponse, error) {
	return &pulumirpc.GetRequiredPluginsResponse{}, nil
}

// About is asked in every preview, for the update's metadata: it costs no start of a Python.
func (*host) About(_ context.Context, request *pulumirpc.AboutRequest) (*pulumirpc.AboutResponse, error) {
	interpreter := python(request.Info)
	return &pulumirpc.AboutResponse{Executable: interpreter, Version: pythonVersion(interpreter)}, nil
}

func (*host) GetProgramDependencies(
	_ context.Context, request *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	script := `import json
from importlib.metadata import distributions
found = sorted((package.name, package.version) for package in distributions())
print(json.dumps({"dependencies": [{"name": name, "version": version} for name, version in found]}))`
	printed, err := exec.Command(python(request.Info), "-P", "-c", script).Output()
	if err != nil {
		return nil, err
	}
	found := &pulumirpc.GetProgramDependenciesResponse{}
	return found, json.Unmarshal(printed, found)
}

func (host *host) Run(_ context.Context, request *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	return host.programs.run(request), nil
}

func (host *host) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	host.programs.stop()
	return &emptypb.Empty{}, nil
}
