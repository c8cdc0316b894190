package import AMQP
package import Jobs

/// The properties of a copy or dead letter: what may travel on, and nothing that breaks a publish.
///
/// A foreign user-id closes the channel, an expiration makes a dead letter vanish, CC and BCC route it elsewhere, and
/// with x-death in place the broker drops a message that comes round to the same queue. So none of these is copied.
package enum CleanCopy {
    /// Application headers beyond this are dropped: the broker closes the connection when a header table does not fit
    /// one frame, and the worker's own headers need space too.
    package static let headerBudget = 4096

    package struct Made: Sendable {
        package var properties: Properties
        /// The application's headers did not fit and were left out.
        package var droppedHeaders: Bool

        /// This copy without the application's headers, for a broker whose frames are too small for them.
        package var withoutHeaders: Made {
            var bare = self
            bare.properties.headers = FieldTable()
            bare.droppedHeaders = true
            return bare
        }
    }

    /// The worker's own headers are not copied, because whoever makes the copy writes them anew. `eventJobID`: of an
    /// accepted event, whose message-id says nothing: from then on it names the job.
    package static func make(of source: Properties, eventJobID: JobID? = nil) -> Made {
        var copy = Properties()
        copy.contentType = source.contentType
        copy.contentEncoding = source.contentEncoding
        copy.messageID = eventJobID?.string ?? source.messageID
        copy.correlationID = source.correlationID
        copy.type = source.type
        copy.timestamp = source.timestamp
        copy.appID = source.appID
        copy.replyTo = source.replyTo
        copy.deliveryMode = 2
        var headers = FieldTable()
        var size = 0
        for field in source.headers?.fields ?? []
        where !JobHeaders.isOwn(field.name) && !isTheBrokers(field.name) {
            size += field.name.count + 1 + estimatedSize(field.value)
            headers.fields.append(field)
        }
        let fits = size <= headerBudget
        copy.headers = fits ? headers : FieldTable()
        return Made(properties: copy, droppedHeaders: !fits)
    }

    private static let brokerNames: Set<[UInt8]> = Set(
        ["x-death", "x-delivery-count", "x-acquired-count", "CC", "BCC", "x-stream-offset"].map { Array($0.utf8) })

    private static func isTheBrokers(_ name: [UInt8]) -> Bool {
        brokerNames.contains(name) || name.starts(with: "x-first-death-".utf8)
            || name.starts(with: "x-last-death-".utf8)
    }

    /// An upper bound of the bytes on the wire.
    private static func estimatedSize(_ value: FieldValue) -> Int {
        switch value {
        case .boolean, .void: 2
        case .integer, .double, .decimal, .timestamp: 9
        case .string(let bytes), .bytes(let bytes): 5 + bytes.count
        case .array(let values): values.reduce(5) { $0 + estimatedSize($1) }
        case .table(let table):
            table.fields.reduce(5) { $0 + 1 + $1.name.count + estimatedSize($1.value) }
        }
    }
}
