import CPostgres

/// What the server remarks beside its answers, kept until the batch that it belongs to takes it; libpq would print it
/// to the standard error stream. On the connection's thread alone.
final class NoticeLog {
    private var notices: [PostgresReport] = []

    /// A database that has something to say of each row is no reason to keep all of it.
    private static let most = 100

    /// The log outlives the connection.
    func attach(to connection: OpaquePointer) {
        // https://www.postgresql.org/docs/15/libpq-notice-processing.html
        PQsetNoticeReceiver(connection, noteNotice, Unmanaged.passUnretained(self).toOpaque())
    }

    func take() -> [PostgresReport] {
        defer { notices = [] }
        return notices
    }

    fileprivate func note(_ report: PostgresReport) {
        // What makes a commit doubtful comes last, and must not be what is left out.
        if notices.count == Self.most { notices.removeFirst() }
        notices.append(report)
    }
}

// File-private and free: libpq calls it on the connection's own thread, from within its calls. The result is libpq's.
private func noteNotice(_ context: UnsafeMutableRawPointer?, _ result: OpaquePointer?) {
    guard let context, let result else { return }
    Unmanaged<NoticeLog>.fromOpaque(context).takeUnretainedValue().note(PostgresReport(result))
}

extension PostgresReport {
    /// Of an error or a notice as libpq has it. Without a SQLSTATE it is libpq's own word.
    init(_ result: OpaquePointer) {
        func text(_ field: UnsafePointer<CChar>?) -> String? { field.map { String(cString: $0) } }
        self.init(
            severity: text(CPostgres_severity(result)) ?? "", state: text(CPostgres_state(result)) ?? "",
            message: text(CPostgres_message(result)) ?? LibpqMessage.text(String(cString: PQresultErrorMessage(result)))
        )
    }
}
