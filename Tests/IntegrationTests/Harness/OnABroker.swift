import Testing

/// Everything that runs against a real broker: one after another, because there are two cores.
@Suite(.serialized) struct OnABroker {}
