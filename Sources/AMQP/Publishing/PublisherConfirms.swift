/// What was published on a channel and not yet answered: sequence numbers from 1, confirms single or multiple and in
/// any order, returns before their ack.
/// https://www.rabbitmq.com/docs/confirms#publisher-confirms
struct PublisherConfirms<Entry> {
    struct Answer {
        var entry: Entry
        var outcome: PublishOutcome
    }

    private struct Open {
        var entry: Entry
        var messageID: String?
        var returned: (code: Int, text: String)?
    }

    // Sequence numbers grow, so the dictionary's smallest key is found by the cursor.
    private var open: [UInt64: Open] = [:]
    private var oldest: UInt64 = 1
    private(set) var last: UInt64 = 0

    var count: Int { open.count }
    var isEmpty: Bool { open.isEmpty }

    /// Notes a publication that goes out, before the next one does and before an answer is read.
    mutating func published(_ entry: Entry, messageID: String?) {
        last += 1
        open[last] = Open(entry: entry, messageID: messageID)
    }

    /// basic.return: no queue took a mandatory message. The broker sends it before that message's ack and after those
    /// of all before it that it has already answered; so it is the oldest open one by that message-id.
    mutating func returned(code: Int, text: String, messageID: String?) {
        let candidates = open.filter { $0.value.messageID == messageID && $0.value.returned == nil }
        guard let tag = candidates.keys.min() else { return }
        open[tag]?.returned = (code, text)
    }

    mutating func confirmed(_ tag: UInt64, multiple: Bool) -> [Answer] {
        resolve(tag, multiple: multiple) { open in
            open.returned.map { .unroutable(code: $0.code, text: $0.text) } ?? .confirmed
        }
    }

    mutating func refused(_ tag: UInt64, multiple: Bool) -> [Answer] {
        resolve(tag, multiple: multiple) { _ in .refused }
    }

    private mutating func resolve(
        _ tag: UInt64, multiple: Bool, _ outcome: (Open) -> PublishOutcome
    ) -> [Answer] {
        guard multiple else {
            guard let entry = open.removeValue(forKey: tag) else { return [] }
            return [Answer(entry: entry.entry, outcome: outcome(entry))]
        }
        // Tag 0 means all.
        let end = tag == 0 ? last : min(tag, last)
        var answers: [Answer] = []
        while oldest <= end {
            if let entry = open.removeValue(forKey: oldest) {
                answers.append(Answer(entry: entry.entry, outcome: outcome(entry)))
            }
            oldest += 1
        }
        return answers
    }

    /// The channel is gone: what is open is unknown, in the order of its publishing.
    mutating func abandon() -> [Entry] {
        defer { self = PublisherConfirms() }
        return open.sorted { $0.key < $1.key }.map(\.value.entry)
    }
}
