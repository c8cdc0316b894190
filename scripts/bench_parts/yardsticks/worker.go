// What a Go user would write: amqp091-go and net/http, one goroutine for each job in flight; and database/sql for whoever
// keeps something.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"

	amqp "github.com/rabbitmq/amqp091-go"
)

type job struct {
	JobID      string `json:"jobId"`
	Account    string `json:"account"`
	ShareToken string `json:"shareToken"`
}

type request struct {
	ShareToken string `json:"shareToken"`
}

type result struct {
	Version    int    `json:"version"`
	JobID      string `json:"jobId"`
	Account    string `json:"account"`
	Outcome    string `json:"outcome"`
	Effect     string `json:"effect"`
	Attempts   int    `json:"attempts"`
	HTTPStatus int    `json:"httpStatus"`
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func makeClient(inFlight int) *http.Client {
	transport := &http.Transport{MaxIdleConns: inFlight, MaxIdleConnsPerHost: inFlight}
	if file := os.Getenv("BENCH_CA"); file != "" {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(must(os.ReadFile(file)))
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
		transport.ForceAttemptHTTP2 = true
	}
	return &http.Client{Transport: transport}
}

func leave(client *http.Client, url, bearer, token string) error {
	body := must(json.Marshal(request{token}))
	call := must(http.NewRequest("POST", url, bytes.NewReader(body)))
	call.Header.Set("Content-Type", "application/json")
	call.Header.Set("Authorization", bearer)
	answer, err := client.Do(call)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	// Read to its end, or the connection is not used again.
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != 200 {
		return fmt.Errorf("the API answered %d", answer.StatusCode)
	}
	return nil
}

func main() {
	inFlight := must(strconv.Atoi(os.Getenv("BENCH_IN_FLIGHT")))
	prefix := os.Getenv("BENCH_PREFIX")
	url := os.Getenv("BENCH_API") + "/v1/sharedAlbums:leave"
	bearer := "Bearer " + os.Getenv("BENCH_TOKEN")
	client := makeClient(inFlight)
	kept := keep()

	// Two connections, as RabbitMQ recommends: the broker may block one that publishes.
	address := "amqp://guest:guest@127.0.0.1:" + os.Getenv("BENCH_AMQP_PORT") + "/"
	consuming := must(must(amqp.Dial(address)).Channel())
	publishing := must(must(amqp.Dial(address)).Channel())
	must(0, publishing.Confirm(false))
	go func() {
		for range publishing.NotifyReturn(make(chan amqp.Return)) {
			log.Fatal("the broker returned a result")
		}
	}()
	must(0, consuming.Qos(2*inFlight, 0, false))
	deliveries := must(consuming.Consume(prefix+".jobs", "", false, false, false, false, nil))

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		os.Exit(0)
	}()

	var workers sync.WaitGroup
	for n := 0; n < inFlight; n++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for delivery := range deliveries {
				var work job
				must(0, json.Unmarshal(delivery.Body, &work))
				if !kept.begin(work.JobID) {
					log.Fatal("a job came twice")
				}
				must(0, leave(client, url, bearer, work.ShareToken))
				body := must(json.Marshal(result{1, work.JobID, work.Account, "left", "left", 1, 200}))
				kept.end(work.JobID, body)
				confirm := must(publishing.PublishWithDeferredConfirmWithContext(
					context.Background(), prefix+".results", "leave.left", true, false, amqp.Publishing{
						DeliveryMode: amqp.Persistent, MessageId: work.JobID + "#0",
						ContentType: "application/json", Body: body,
					}))
				if !confirm.Wait() {
					log.Fatal("the broker refused a result")
				}
				must(0, delivery.Ack(false))
			}
		}()
	}
	workers.Wait()
}
