// SPDX-License-Identifier: MIT
// golang-migrate's own library behind a pipe. A line is a command, its url, its source and a number, separated by tabs:
//
//	up URL file:///folder 0
//	fleet URL file:///folder 4 FILE
//
// The second brings each tenant that the file names, one a line, up to date with 4 goroutines; {tenant} in the url
// becomes the name.
// The answer is any number of lines, and one that is "ok" or "error TEXT".
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/golang-migrate/migrate/v4"
	_ "github.com/golang-migrate/migrate/v4/database/mysql"
	_ "github.com/golang-migrate/migrate/v4/database/postgres"
	_ "github.com/golang-migrate/migrate/v4/database/sqlite3"
	_ "github.com/golang-migrate/migrate/v4/source/file"
)

func main() {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		if err := run(strings.Split(in.Text(), "\t")); err != nil {
			fmt.Println("error", strings.Join(strings.Fields(err.Error()), " "))
		} else {
			fmt.Println("ok")
		}
	}
}

// How many tenants had something to do.
func fleet(url, source string, goroutines int, file string) (int, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	tenants := make(chan string)
	var (
		group   sync.WaitGroup
		mutex   sync.Mutex
		changed int
		failure error
	)
	for range goroutines {
		group.Go(func() {
			for tenant := range tenants {
				err := up(strings.ReplaceAll(url, "{tenant}", tenant), source)
				mutex.Lock()
				if err == nil {
					changed++
				} else if !errors.Is(err, migrate.ErrNoChange) && failure == nil {
					failure = err
				}
				mutex.Unlock()
			}
		})
	}
	for _, tenant := range strings.Fields(string(text)) {
		tenants <- tenant
	}
	close(tenants)
	group.Wait()
	return changed, failure
}

func up(url, source string) error {
	m, err := migrate.New(source, url)
	if err != nil {
		return err
	}
	defer m.Close()
	return m.Up()
}

func run(words []string) error {
	if words[0] == "fleet" && len(words) == 5 {
		goroutines, err := strconv.Atoi(words[3])
		if err != nil {
			return err
		}
		changed, err := fleet(words[1], words[2], goroutines, words[4])
		fmt.Println("changed", changed)
		return err
	}
	if len(words) != 4 {
		return errors.New("four words are needed")
	}
	number, err := strconv.Atoi(words[3])
	if err != nil {
		return err
	}
	m, err := migrate.New(words[2], words[1])
	if err != nil {
		return err
	}
	defer m.Close()
	switch words[0] {
	case "up":
		return m.Up()
	case "steps":
		return m.Steps(number)
	case "force":
		return m.Force(number)
	case "version":
		version, dirty, err := m.Version()
		if errors.Is(err, migrate.ErrNilVersion) {
			fmt.Println("version none")
			return nil
		}
		fmt.Println("version", version, dirty)
		return err
	}
	return errors.New("no command " + words[0])
}
