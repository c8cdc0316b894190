import JSON

/// An event in structured mode: one JSON object with the context attributes, and the job in `data`.
/// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
struct EventEnvelope {
    private static let names = EventAttributes.Name.allCases.map(\.rawValue) + ["data_base64"]

    let members: JSONMembers
    let attributes: EventAttributes
    /// The text of `data`, as far as it goes. Nil: there is none.
    let data: ArraySlice<UInt8>?

    init(_ body: [UInt8]) {
        members = JSONMembers(body, naming: Self.names, placing: "data")
        var attributes = EventAttributes()
        for name in EventAttributes.Name.allCases where members.has(name.rawValue) {
            switch members[name.rawValue] {
            // As if it were not there.
            case .null?: break
            case .string(let bytes)?: attributes.add(name, .text(bytes))
            case let value?: attributes.add(name, .other(value.kind))
            case nil: attributes.add(name, .other("something that cannot be read"))
            }
        }
        self.attributes = attributes
        data = members.place.map { body[$0] }
    }

    /// The members of the job, under their path in the event.
    var job: MessageMembers { job(JSONMembers(data.map { Array($0) } ?? [], naming: JobDecoder.names)) }

    func job(_ body: JSONMembers) -> MessageMembers {
        MessageMembers(body, fallbackID: attributes.jobID, path: "data.")
    }

    var hasBase64: Bool {
        guard members.has("data_base64") else { return false }
        return members["data_base64"] != .null
    }
}
