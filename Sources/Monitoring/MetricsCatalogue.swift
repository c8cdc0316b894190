package import Telemetry

/// Every metric of the daemon: what it is called, what it means, in which buckets it is counted. The names are a
/// promise to dashboards and alerts, which docs/metrics.md makes.
package struct MetricsCatalogue: Sendable {
    /// Of all names.
    package static let prefix = "leave_album_"

    // Jobs
    @Metric(
        "jobs_total", "Jobs that have their result, confirmed by the broker. reason is empty where there is none.",
        labels: "outcome", "reason")
    package var jobs: MetricFamily<MetricCounter>
    @Metric(
        "job_duration_seconds",
        "Time in the worker's hands of the delivery that ended a job, waiting for its turn included.",
        bounds: MetricsCatalogue.jobSeconds)
    package var jobDuration: MetricHistogram
    @Metric(
        "time_to_result_seconds", "Time from when a job was first seen to its result, all retries included.",
        bounds: MetricsCatalogue.resultSeconds)
    package var timeToResult: MetricHistogram
    @Metric("dead_letters_total", "Dead letters published, confirmed by the broker.", labels: "reason")
    package var deadLetters: MetricFamily<MetricCounter>
    @Metric("replays_total", "Results published again because a finished job was delivered again.")
    package var replays: MetricCounter
    @Metric("reply_copies_total", "Copies of results for a message's reply-to: delivered or lost.", labels: "result")
    package var replyCopies: MetricFamily<MetricCounter>
    @Metric(
        "retries_total", "Jobs parked in the retry queue of this delay; due where the wait was too short for one.",
        labels: "delay")
    package var retries: MetricFamily<MetricCounter>
    @Metric(
        "steps_aside_total", "Deliveries that went back through a retry queue as they were, by why.", labels: "cause")
    package var stepsAside: MetricFamily<MetricCounter>
    @Metric("in_flight", "Deliveries in the worker's hands.")
    package var inFlight: MetricGauge
    @Metric("oldest_job_age_seconds", "How long the oldest delivery has been in the worker's hands; 0 without one.")
    package var oldestJobAge: MetricGauge
    @Metric("ambiguous_jobs", "Open jobs with a call that may have reached the API unanswered.")
    package var ambiguousJobs: MetricGauge
    @Metric("overdue_retries", "Parked jobs whose copy should have come two minutes ago.")
    package var overdueRetries: MetricGauge
    @Metric(
        "last_success_timestamp_seconds",
        "When a job last ended as left or already left; 0 if none has since the daemon started.")
    package var lastSuccess: MetricGauge

    // The API
    @Metric(
        "attempts_total", "Requests to the API by what their answer was taken for, those about an album included.",
        labels: "verdict")
    package var attempts: MetricFamily<MetricCounter>
    @Metric(
        "api_requests_total", "Requests to the API by HTTP status; none where no complete answer came.", labels: "code")
    package var requests: MetricFamily<MetricCounter>
    @Metric(
        "api_request_duration_seconds", "Time from a request's beginning to its verdict.",
        bounds: MetricsCatalogue.requestSeconds)
    package var requestDuration: MetricHistogram
    @Metric(
        "gate_closed_total",
        "Requests of which no byte was sent, because the send window of their claim was over; each is claimed again.")
    package var gateClosed: MetricCounter
    @Metric("quota_remaining", "Calls left today of limits.requests_per_day; +Inf where there is no limit.")
    package var quotaRemaining: MetricGauge
    @Metric("token_refreshes_total", "Access tokens asked for beyond the cache, by what came.", labels: "result")
    package var tokenRefreshes: MetricFamily<MetricCounter>
    @Metric("lost_grants_total", "Grants lost with a refresh that was cut off before its answer was written.")
    package var lostGrants: MetricCounter

    // The worker's state
    @Metric("active", "1 if this daemon is the active worker, 0 while it connects or stands by.")
    package var active: MetricGauge
    @Metric("consuming", "1 if it takes jobs, 0 if it does not: see hold and active.")
    package var consuming: MetricGauge
    @Metric("held_accounts", "Accounts that wait alone while the others work.")
    package var heldAccounts: MetricGauge
    @Metric("account_holds", "The same, by what each waits for.", labels: "cause")
    package var accountHolds: MetricFamily<MetricGauge>
    @Metric("hold", "1 while the worker stands still for this cause.", labels: "cause")
    package var hold: MetricFamily<MetricGauge>
    @Metric("hold_since_timestamp_seconds", "When the hold began; only while it stands.", labels: "cause")
    package var holdSince: MetricFamily<MetricGauge>
    @Metric(
        "hold_next_probe_timestamp_seconds",
        "When jobs test the hold; only while it stands and does not end by an event.", labels: "cause")
    package var holdNextProbe: MetricFamily<MetricGauge>
    @Metric("config_reload_success", "0 if the settings could not be read again at the last SIGHUP; the old ones hold.")
    package var configReload: MetricGauge
    @Metric("build_info", "1, with what is running.", labels: "version")
    package var buildInfo: MetricFamily<MetricGauge>

    // The broker
    @Metric("queue_messages", "Messages ready in a queue; absent while the broker does not say.", labels: "queue")
    package var queueMessages: MetricFamily<MetricGauge>
    @Metric("queue_consumers", "Consumers of a queue; absent while the broker does not say.", labels: "queue")
    package var queueConsumers: MetricFamily<MetricGauge>
    @Metric("broker_connected", "1 while the link has a connection.", labels: "link")
    package var brokerConnected: MetricFamily<MetricGauge>
    @Metric("broker_reconnects_total", "Connections made after the link's first.", labels: "link")
    package var brokerReconnects: MetricFamily<MetricCounter>
    @Metric("broker_blocked", "1 while the broker takes no messages, for want of memory or disk.")
    package var brokerBlocked: MetricGauge
    @Metric("publish_unconfirmed", "Messages sent that the broker has not confirmed yet.")
    package var publishUnconfirmed: MetricGauge
    @Metric("stale_settlements_total", "Acks and returns for deliveries of a lost connection: without effect.")
    package var staleSettlements: MetricCounter
    @Metric("abandoned_deliveries_total", "Deliveries that were forgotten and handed back: a fault of this program.")
    package var abandonedDeliveries: MetricCounter
    @Metric(
        "progress_messages_total",
        "Messages about jobs on their way: sent, or dropped because they could have been in the way.", labels: "result")
    package var progressMessages: MetricFamily<MetricCounter>

    // Spans
    @Metric("trace_spans_exported_total", "Spans that a collector has taken.")
    package var spansExported: MetricCounter
    @Metric(
        "trace_spans_dropped_total",
        "Spans that are lost: there was no place for them, or the collector did not take them."
    )
    package var spansDropped: MetricCounter

    // The ledger
    @Metric("ledger_kind", "1, with what keeps the ledger: sqlite or postgresql.", labels: "kind")
    package var ledgerKind: MetricFamily<MetricGauge>
    @Metric("ledger_entries", "Jobs that the ledger remembers.")
    package var ledgerEntries: MetricGauge
    @Metric("ledger_bytes", "Size of the ledger: file and write-ahead log, or tables and indexes.")
    package var ledgerBytes: MetricGauge
    @Metric("ledger_disk_free_bytes", "Room on the ledger's disk for this user.")
    package var ledgerDiskFree: MetricGauge
    @Metric("ledger_backup_timestamp_seconds", "When the ledger was last backed up; 0 if never.")
    package var ledgerBackup: MetricGauge
    @Metric(
        "ledger_behind_total", "Copies on due that knew more of their job than the ledger: it was lost or replaced.")
    package var ledgerBehind: MetricCounter
    @Metric(
        "ledger_commit_duration_seconds", "Time of a commit, its flush to the disk included.",
        bounds: MetricsCatalogue.commitSeconds)
    package var ledgerCommitDuration: MetricHistogram
    @Metric("ledger_batch_size", "Writes that shared a commit.", bounds: MetricsCatalogue.batchSizes)
    package var ledgerBatchSize: MetricHistogram

    // A ledger that is shared
    @Metric("instances", "Daemons that share the ledger, by state; absent for one that is a file.", labels: "state")
    package var instances: MetricFamily<MetricGauge>
    @Metric("instance_info", "1, with who this daemon is among them.", labels: "name", "epoch")
    package var instanceInfo: MetricFamily<MetricGauge>
    @Metric("takeovers_total", "Jobs taken over from a daemon whose call had not ended, so far as the ledger knew.")
    package var takeovers: MetricCounter
    @Metric("fenced_records_total", "Records not written, because another daemon had claimed the job since.")
    package var fencedRecords: MetricCounter
    @Metric(
        "late_evidence_total",
        "Proofs that a user has left, written although another daemon had claimed the job since.")
    package var lateEvidence: MetricCounter
    @Metric("leases_held", "Leases of jobs that this daemon has now; absent for a ledger that is a file.")
    package var leasesHeld: MetricGauge
    @Metric(
        "spooled_records",
        "Records of calls in ledger.spool that are not in the ledger; absent for a ledger that is a file.")
    package var spooledRecords: MetricGauge
    @Metric(
        "ledger_roundtrip_seconds",
        "Time from the sending of a batch to the database's answer; a commit takes two round trips.",
        bounds: MetricsCatalogue.commitSeconds)
    package var ledgerRoundTrip: MetricHistogram
    @Metric(
        "ledger_retries_total", "Batches that the database had undone and that were sent again, by SQLSTATE.",
        labels: "code")
    package var ledgerRetries: MetricFamily<MetricCounter>
    @Metric(
        "ledger_unknown_commits_total", "Commits whose answer was lost; each was settled before anything rested on it.")
    package var unknownCommits: MetricCounter
    @Metric(
        "ledger_lost_commits_total",
        "Commits of this daemon that a failover of the ledger's database had lost; what is remembered is written again."
    )
    package var lostCommits: MetricCounter
    @Metric(
        "ledger_replication",
        "1 for who else has what is committed: none, asynchronous, synchronous, or waiting for a standby.",
        labels: "mode")
    package var ledgerReplication: MetricFamily<MetricGauge>
    @Metric("ledger_timeline", "Timeline of the ledger's database: one more at each failover.")
    package var ledgerTimeline: MetricGauge
    @Metric(
        "ledger_xmin_age_seconds",
        "For how long at least the ledger's database has had to keep removed rows; absent if the role may not see it.")
    package var ledgerXminAge: MetricGauge
    @Metric("clock_offset_seconds", "The ledger's clock less this machine's; absent for one that is a file.")
    package var clockOffset: MetricGauge
    @Metric(
        "settings_differ",
        "Settings in which other live daemons over the ledger differ from this one; absent for one that is a file.")
    package var settingsDiffer: MetricGauge

    /// From a call's own time up to the minute that a delivery may wait for its turn, and what hangs beyond it.
    package static let jobSeconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]
    /// A job that succeeds at once takes a call's time; one that is retried, the sum of `retry.delays`; one that waits
    /// for quota, days.
    package static let resultSeconds = [
        0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400, 604_800,
    ]
    /// Up to the 20 s of `api.timeout`, and some for one that was set higher.
    package static let requestSeconds = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60]
    /// A flush takes a millisecond on a good disk, ten on a spinning one; a second is trouble.
    package static let commitSeconds = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]
    /// Powers of two up to what the concurrency can bring at once.
    package static let batchSizes = [1.0, 2, 4, 8, 16, 32, 64, 128, 256, 512]
}
