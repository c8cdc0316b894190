import JSON

/// Lines of `journalctl --output=json` as they may leave the site: the fields that this program writes and the few of
/// the journal's own that say when and by whom, accounts hashed, secrets taken out.
package enum JournalExcerpt {
    private static let kept: Set = [
        "MESSAGE", "PRIORITY", "ACCOUNT", "JOB_ID", "REASON", "ATTEMPT", "TRACE_ID", "OUTCOME", "CAUSE", "VERDICT",
        "CODE_FILE", "CODE_LINE", "CODE_FUNC", "SYSLOG_IDENTIFIER", "_PID", "_SYSTEMD_INVOCATION_ID",
        "__REALTIME_TIMESTAMP", "UNIT_RESULT", "EXIT_CODE", "EXIT_STATUS",
    ]
    private static let ownPrefix = "LEAVE_ALBUM_"

    /// - Parameter lines: an object a line. What is none is left out and counted.
    package static func scrubbed(_ lines: [UInt8], with scrubber: Scrubber) -> (text: [UInt8], leftOut: Int) {
        var scrubber = scrubber
        var entries: [JSONValue] = []
        var leftOut = 0
        for line in lines.split(separator: UInt8(ascii: "\n")) {
            guard let entry = try? JSONValue.parse(Array(line)), let members = entry.members else {
                leftOut += 1
                continue
            }
            let chosen = JSONValue.object(
                members.filter { isKept(String(decoding: $0.name, as: UTF8.self)) }.map { member in
                    // A daemon whose log is JSON writes an object for its message.
                    guard let text = member.value.utf8, text.first == UInt8(ascii: "{"),
                        let inner = try? JSONValue.parse(text)
                    else { return member }
                    return JSONValue.Member(member.name, inner)
                })
            scrubber.learn(from: chosen)
            entries.append(chosen)
        }
        // Only now is every account known that any line names.
        return (entries.flatMap { scrubber.scrubbed($0).encoded() + [UInt8(ascii: "\n")] }, leftOut)
    }

    private static func isKept(_ name: String) -> Bool { kept.contains(name) || name.hasPrefix(ownPrefix) }
}
