// SPDX-License-Identifier: MIT
// golang-migrate's own library behind a pipe. A line is a command, its url, its source and a number, separated by tabs:
//
//	up URL file:///folder 0
//
// The answer is any number of lines, and one that is "ok" or "error TEXT".
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

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

func run(words []string) error {
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
