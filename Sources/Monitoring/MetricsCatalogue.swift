package import Telemetry

/// Every metric of the daemon: what it is called, what it means, in which buckets it is counted. The names are a
/// promise to dashboards and alerts.
package struct MetricsCatalogue: Sendable {
    package let registry: MetricRegistry

    // Jobs
    package let jobs: MetricFamily<MetricCounter>
    package let jobDuration: MetricHistogram
    package let timeToResult: MetricHistogram
    package let deadLetters: MetricFamily<MetricCounter>
    package let replays: MetricCounter
    package let replyCopies: MetricFamily<MetricCounter>
    package let retries: MetricFamily<MetricCounter>
    package let stepsAside: MetricFamily<MetricCounter>
    package let inFlight: MetricGauge
    package let oldestJobAge: MetricGauge
    package let ambiguousJobs: MetricGauge
    package let overdueRetries: MetricGauge
    package let lastSuccess: MetricGauge

    // The API
    package let attempts: MetricFamily<MetricCounter>
    package let requests: MetricFamily<MetricCounter>
    package let requestDuration: MetricHistogram
    package let quotaRemaining: MetricGauge
    package let tokenRefreshes: MetricFamily<MetricCounter>

    // The worker's state
    package let active: MetricGauge
    package let consuming: MetricGauge
    package let heldAccounts: MetricGauge
    package let accountHolds: MetricFamily<MetricGauge>
    package let hold: MetricFamily<MetricGauge>
    package let holdSince: MetricFamily<MetricGauge>
    package let holdNextProbe: MetricFamily<MetricGauge>
    package let configReload: MetricGauge
    package let buildInfo: MetricFamily<MetricGauge>

    // The broker
    package let queueMessages: MetricFamily<MetricGauge>
    package let queueConsumers: MetricFamily<MetricGauge>
    package let brokerConnected: MetricFamily<MetricGauge>
    package let brokerReconnects: MetricFamily<MetricCounter>
    package let brokerBlocked: MetricGauge
    package let publishUnconfirmed: MetricGauge
    package let staleSettlements: MetricCounter
    package let abandonedDeliveries: MetricCounter

    // The ledger
    package let ledgerEntries: MetricGauge
    package let ledgerBytes: MetricGauge
    package let ledgerDiskFree: MetricGauge
    package let ledgerBackup: MetricGauge
    package let ledgerBehind: MetricCounter
    package let ledgerCommitDuration: MetricHistogram
    package let ledgerBatchSize: MetricHistogram

    /// From a call's own time up to the minute that a delivery may wait in hand, and what hangs beyond it.
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

    package init() {
        let registry = MetricRegistry(prefix: "leave_album_")
        self.registry = registry
        jobs = registry.counter(
            "jobs_total", "Jobs that have their result, confirmed by the broker. reason is empty where there is none.",
            labels: "outcome", "reason")
        jobDuration = registry.histogram(
            "job_duration_seconds",
            "Time in the worker's hands of the delivery that ended a job, waiting for its turn included.",
            bounds: Self.jobSeconds
        ).with()
        timeToResult = registry.histogram(
            "time_to_result_seconds", "Time from when a job was first seen to its result, all retries included.",
            bounds: Self.resultSeconds
        ).with()
        deadLetters = registry.counter(
            "dead_letters_total", "Dead letters published, confirmed by the broker.", labels: "reason")
        replays = registry.counter(
            "replays_total", "Results published again because a finished job was delivered again."
        ).with()
        replyCopies = registry.counter(
            "reply_copies_total", "Copies of results for a message's reply-to: delivered or lost.", labels: "result")
        retries = registry.counter(
            "retries_total", "Jobs parked in the retry queue of this delay; due where the wait was too short for one.",
            labels: "delay")
        stepsAside = registry.counter(
            "steps_aside_total", "Deliveries that went back through a retry queue as they were, by why.",
            labels: "cause")
        inFlight = registry.gauge("in_flight", "Deliveries in the worker's hands.").with()
        oldestJobAge = registry.gauge(
            "oldest_job_age_seconds", "How long the oldest delivery has been in the worker's hands; 0 without one."
        ).with()
        ambiguousJobs = registry.gauge(
            "ambiguous_jobs", "Open jobs with a call that may have reached the API unanswered."
        ).with()
        overdueRetries = registry.gauge(
            "overdue_retries", "Parked jobs whose copy should have come two minutes ago."
        ).with()
        lastSuccess = registry.gauge(
            "last_success_timestamp_seconds",
            "When a job last ended as left or already left; 0 if none has since the daemon started."
        ).with()
        attempts = registry.counter(
            "attempts_total", "Requests to the API by what their answer was taken for, those about an album included.",
            labels: "verdict")
        requests = registry.counter(
            "api_requests_total", "Requests to the API by HTTP status; none where no complete answer came.",
            labels: "code")
        requestDuration = registry.histogram(
            "api_request_duration_seconds", "Time from a request's beginning to its verdict.",
            bounds: Self.requestSeconds
        ).with()
        quotaRemaining = registry.gauge(
            "quota_remaining", "Calls left today of limits.requests_per_day; +Inf where there is no limit."
        ).with()
        tokenRefreshes = registry.counter(
            "token_refreshes_total", "Access tokens asked for beyond the cache, by what came.", labels: "result")
        active = registry.gauge("active", "1 if this daemon is the active worker, 0 while it connects or stands by.")
            .with()
        consuming = registry.gauge("consuming", "1 if it takes jobs, 0 if it does not: see hold and active.").with()
        heldAccounts = registry.gauge("held_accounts", "Accounts that wait alone while the others work.").with()
        accountHolds = registry.gauge("account_holds", "The same, by what each waits for.", labels: "cause")
        hold = registry.gauge("hold", "1 while the worker stands still for this cause.", labels: "cause")
        holdSince = registry.gauge(
            "hold_since_timestamp_seconds", "When the hold began; only while it stands.", labels: "cause")
        holdNextProbe = registry.gauge(
            "hold_next_probe_timestamp_seconds",
            "When jobs test the hold; only while it stands and does not end by an event.", labels: "cause")
        configReload = registry.gauge(
            "config_reload_success", "0 if the settings could not be read again at the last SIGHUP; the old ones hold."
        ).with()
        buildInfo = registry.gauge("build_info", "1, with what is running.", labels: "version")
        queueMessages = registry.gauge(
            "queue_messages", "Messages ready in a queue; absent while the broker does not say.", labels: "queue")
        queueConsumers = registry.gauge(
            "queue_consumers", "Consumers of a queue; absent while the broker does not say.", labels: "queue")
        brokerConnected = registry.gauge("broker_connected", "1 while the link has a connection.", labels: "link")
        brokerReconnects = registry.counter(
            "broker_reconnects_total", "Connections made after the link's first.", labels: "link")
        brokerBlocked = registry.gauge(
            "broker_blocked", "1 while the broker takes no messages, for want of memory or disk."
        ).with()
        publishUnconfirmed = registry.gauge(
            "publish_unconfirmed", "Messages sent that the broker has not confirmed yet."
        ).with()
        staleSettlements = registry.counter(
            "stale_settlements_total", "Acks and returns for deliveries of a lost connection: without effect."
        ).with()
        abandonedDeliveries = registry.counter(
            "abandoned_deliveries_total", "Deliveries that were forgotten and handed back: a fault of this program."
        ).with()
        ledgerEntries = registry.gauge("ledger_entries", "Jobs that the ledger remembers.").with()
        ledgerBytes = registry.gauge("ledger_bytes", "Size of the ledger's file and its write-ahead log.").with()
        ledgerDiskFree = registry.gauge("ledger_disk_free_bytes", "Room on the ledger's disk for this user.").with()
        ledgerBackup = registry.gauge(
            "ledger_backup_timestamp_seconds", "When the ledger was last backed up; 0 if never."
        ).with()
        ledgerBehind = registry.counter(
            "ledger_behind_total", "Copies on due that knew more of their job than the ledger: it was lost or replaced."
        ).with()
        ledgerCommitDuration = registry.histogram(
            "ledger_commit_duration_seconds", "Time of a commit, its flush to the disk included.",
            bounds: Self.commitSeconds
        ).with()
        ledgerBatchSize = registry.histogram(
            "ledger_batch_size", "Writes that shared a commit.", bounds: Self.batchSizes
        ).with()
    }
}
