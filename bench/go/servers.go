// SPDX-License-Identifier: MIT

package main

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/mattn/go-sqlite3"
	_ "modernc.org/sqlite"
)

// server is a server that both sides reach over TCP.
type server struct {
	name, url, peer, values string
	open                    func(tenant string) *sql.DB // the peer, standing in one tenant; "" for none
}

func servers() (list []server) {
	if byCPU {
		return nil
	}
	if address := os.Getenv("MTDB_TEST_POSTGRES_TCP"); address != "" {
		list = append(list, server{"postgres", address, "pgx stdlib", "$1, $2, $3", func(tenant string) *sql.DB {
			return must1(sql.Open("pgx", address+"?sslmode=disable&search_path="+tenant))
		}})
	} else {
		fmt.Fprintln(os.Stderr, "bench: no PostgreSQL: MTDB_TEST_POSTGRES_TCP is not set")
	}
	if address := os.Getenv("MTDB_TEST_MYSQL_TCP"); address != "" {
		list = append(list, server{"mysql", address, "go-sql-driver", "?, ?, ?", func(tenant string) *sql.DB {
			return must1(sql.Open("mysql", mysqlName(address, tenant)))
		}})
	} else {
		fmt.Fprintln(os.Stderr, "bench: no MariaDB: MTDB_TEST_MYSQL_TCP is not set")
	}
	return list
}

func mysqlName(address, tenant string) string {
	parsed := must1(url.Parse(address))
	config := mysql.NewConfig()
	config.Net, config.Addr, config.User, config.DBName = "tcp", parsed.Host, parsed.User.Username(), tenant
	config.Passwd, _ = parsed.User.Password()
	return config.FormatDSN()
}

func folder() string {
	return must1(filepath.EvalSymlinks(must1(os.MkdirTemp("", "mtdb-bench-"))))
}
