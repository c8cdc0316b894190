extension DaemonSettings {
    /// `[messages]`
    package struct Messages: Equatable, Sendable {
        /// None: a message that happens to be an event is taken for what its body and properties say, as ever.
        package var cloudevents: [String] = []
    }

    /// `[results]`
    package struct Results: Equatable, Sendable {
        package var cloudevents = EventBinding.off
        /// Off: it is a message or more for each job that does not succeed at once, and nobody may count on them.
        package var progress = false
        /// A path: the events of one installation need no host in their source.
        package var source = "/leave-albumd"
        /// The name that results have as the property type, too.
        package var type = "leave-album.result.v1"
    }

    /// By which binding's headers results are CloudEvents.
    package enum EventBinding: String, CaseIterable, Sendable {
        case off
        /// Headers `ce-…`.
        case rabbitmq
        /// Headers `cloudEvents:…`: application properties for whoever reads by AMQP 1.0.
        case amqp
    }
}

extension SettingRange {
    /// Each is compared with the type of each event.
    static let eventTypes = 0...64
    /// What an event's type or source has at most: it is a header of each result.
    static let eventBytes = 512
}
