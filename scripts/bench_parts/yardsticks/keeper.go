package main

import (
	"database/sql"
	"os"

	_ "github.com/lib/pq"
	_ "github.com/mattn/go-sqlite3"
)

// What a worker remembers of its jobs, so that none is called twice unknowingly: an intent, committed before the call,
// and the outcome, committed before its result is published. What is committed outlives a loss of power.
type keeper interface {
	// False: the job has been here before.
	begin(id string) bool
	end(id string, body []byte)
}

type nothing struct{}

func (nothing) begin(string) bool  { return true }
func (nothing) end(string, []byte) {}

type database struct {
	pool                     *sql.DB
	intend, finish, remember *sql.Stmt
}

const schema = `
CREATE TABLE IF NOT EXISTS jobs (job_id TEXT PRIMARY KEY, finished BOOLEAN NOT NULL);
CREATE TABLE IF NOT EXISTS results (job_id TEXT PRIMARY KEY, body BYTEA NOT NULL)`

func (kept database) begin(id string) bool {
	outcome := must(kept.intend.Exec(id))
	return must(outcome.RowsAffected()) == 1
}

func (kept database) end(id string, body []byte) {
	both := must(kept.pool.Begin())
	must(both.Stmt(kept.finish).Exec(id))
	must(both.Stmt(kept.remember).Exec(id, body))
	must(0, both.Commit())
}

// By what is in the environment: a file, a database on a server, or nothing.
func keep() keeper {
	var pool *sql.DB
	if path := os.Getenv("BENCH_LEDGER"); path != "" {
		pool = must(sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=10000"))
		// SQLite has one writer: who waits for a place in the pool waits without asking again and again.
		pool.SetMaxOpenConns(1)
	} else if url := os.Getenv("BENCH_DATABASE"); url != "" {
		pool = must(sql.Open("postgres", url))
		pool.SetMaxOpenConns(16)
		pool.SetMaxIdleConns(16)
	} else {
		return nothing{}
	}
	must(pool.Exec(schema))
	return database{
		pool, must(pool.Prepare("INSERT INTO jobs VALUES ($1, FALSE) ON CONFLICT DO NOTHING")),
		must(pool.Prepare("UPDATE jobs SET finished = TRUE WHERE job_id = $1")),
		must(pool.Prepare("INSERT INTO results VALUES ($1, $2)")),
	}
}
