package backends

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a running program with the processes that it has started.
type process struct {
	command *exec.Cmd
	gone    chan struct{} // closed when the program has ended
}

// run starts a program. It ends with this process, whatever ends that.
func run(command *exec.Cmd) (*process, error) {
	endWithParent(command)
	p := &process{command: command, gone: make(chan struct{})}
	started := make(chan error)
	go func() {
		defer close(p.gone)
		runtime.LockOSThread() // Linux ends the program with the thread that started it
		err := command.Start()
		started <- err
		if err == nil {
			_ = command.Wait() // it is killed in the end
		}
	}()
	return p, <-started
}

// signal reaches every process of the program, or none if it has ended.
func (p *process) signal(signal syscall.Signal) error {
	select {
	case <-p.gone:
		return errors.New("the server is not running")
	default:
	}
	_, err := p.signalTree(signal)
	return err
}

func (p *process) signalTree(signal syscall.Signal) ([]int, error) {
	pids := tree(p.command.Process.Pid)
	for _, pid := range pids {
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return nil, fmt.Errorf("%s to process %d: %w", signal, pid, err)
		}
	}
	return pids, nil
}

// kill stops all processes first, so that none starts another meanwhile.
func (p *process) kill() error {
	select {
	case <-p.gone:
		return nil
	default:
	}
	if _, err := p.signalTree(syscall.SIGSTOP); err != nil {
		return err
	}
	pids, err := p.signalTree(syscall.SIGKILL)
	if err != nil {
		return err
	}
	<-p.gone
	return awaitEnd(pids)
}

// awaitEnd waits for processes that somebody else reaps.
func awaitEnd(pids []int) error { return await(pids, func(pid int) bool { return !alive(pid) }) }

// awaitStop waits for what SIGSTOP does.
func (p *process) awaitStop() error { return await(tree(p.command.Process.Pid), stopped) }

// await waits until done says so of each process.
func await(pids []int, done func(pid int) bool) error {
	deadline := time.Now().Add(patience)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for _, pid := range pids {
		for !done(pid) {
			if time.Now().After(deadline) {
				return fmt.Errorf("process %d neither ends nor stops", pid)
			}
			<-again.C
		}
	}
	return nil
}
