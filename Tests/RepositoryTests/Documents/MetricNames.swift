import Foundation

/// The metrics that dashboards and alerts are promised, written down once more: whoever renames one sees both break.
enum MetricNames {
    static let plain: Set<String> = [
        "jobs_total", "api_requests_total", "attempts_total", "retries_total", "dead_letters_total", "replays_total",
        "reply_copies_total", "in_flight", "active", "consuming", "held_accounts", "account_holds", "hold",
        "hold_since_timestamp_seconds", "hold_next_probe_timestamp_seconds", "last_success_timestamp_seconds",
        "quota_remaining", "oldest_job_age_seconds", "ambiguous_jobs", "overdue_retries", "queue_messages",
        "queue_consumers", "token_refreshes_total", "ledger_entries", "ledger_bytes", "ledger_disk_free_bytes",
        "ledger_backup_timestamp_seconds", "ledger_behind_total", "broker_connected", "broker_reconnects_total",
        "broker_blocked",
        "publish_unconfirmed", "stale_settlements_total", "abandoned_deliveries_total", "config_reload_success",
        "build_info", "steps_aside_total",
    ]
    static let histograms: Set<String> = [
        "job_duration_seconds", "time_to_result_seconds", "api_request_duration_seconds",
        "ledger_commit_duration_seconds", "ledger_batch_size",
    ]

    /// What the daemon shows under these names.
    static var exposed: Set<String> {
        var names = plain
        for name in histograms { names.formUnion(["_bucket", "_sum", "_count"].map { name + $0 }) }
        return Set(names.map { "leave_album_" + $0 })
    }

    /// Every word of the text that begins as a metric of the daemon does, or as a rule that records one.
    static func used(in text: String) -> Set<String> {
        let word = /leave_album[a-z0-9_:]*/
        return Set(text.matches(of: word).map { String($0.output) })
    }
}
