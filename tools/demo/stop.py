"""`make stop`. Apart from the demo, most of whose time is what it imports."""

from tools.demo.background import stop

if __name__ == "__main__":
    print("The sandbox is stopped; its data stays in .sandbox." if stop() else "No sandbox is running.")
