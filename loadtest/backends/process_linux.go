package backends

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

func endWithParent(command *exec.Cmd) {
	if command.SysProcAttr == nil {
		command.SysProcAttr = &syscall.SysProcAttr{}
	}
	command.SysProcAttr.Pdeathsig = syscall.SIGKILL
}

// tree returns a process and its descendants.
func tree(root int) []int {
	children := map[int][]int{}
	paths, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is a good one
	for _, path := range paths {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		_, parent := status(pid)
		children[parent] = append(children[parent], pid)
	}
	pids := []int{root}
	for at := 0; at < len(pids); at++ {
		pids = append(pids, children[pids[at]]...)
	}
	return pids
}

// alive tells whether the process exists and is no zombie.
func alive(pid int) bool {
	state, _ := status(pid)
	return state != "" && state != "Z" && state != "X"
}

// stopped tells whether every thread of the process is.
func stopped(pid int) bool {
	threads, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/[0-9]*")
	for _, thread := range threads {
		if state, _ := statusIn(thread); state != "T" && state != "" {
			return false
		}
	}
	return true
}

// status returns a process's state and parent, which follow its name in
// parentheses (proc_pid_stat(5)), or nothing if there is no such process.
func status(pid int) (state string, parent int) { return statusIn("/proc/" + strconv.Itoa(pid)) }

func statusIn(folder string) (state string, parent int) {
	content, err := os.ReadFile(folder + "/stat")
	if err != nil {
		return "", 0
	}
	fields := strings.Fields(string(content[bytes.LastIndexByte(content, ')')+1:]))
	if len(fields) < 2 {
		return "", 0
	}
	parent, _ = strconv.Atoi(fields[1])
	return fields[0], parent
}
