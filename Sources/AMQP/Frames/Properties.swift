/// The basic properties of a message. Short strings are at most 255 bytes; the broker does not check their encoding.
package struct Properties: Hashable, Sendable {
    package var contentType: String?
    package var contentEncoding: String?
    package var headers: FieldTable?
    /// 2 is persistent.
    package var deliveryMode: UInt8?
    package var priority: UInt8?
    package var correlationID: String?
    package var replyTo: String?
    /// Milliseconds, as text.
    package var expiration: String?
    package var messageID: String?
    /// Seconds since 1970.
    package var timestamp: UInt64?
    package var type: String?
    package var userID: String?
    package var appID: String?
    package var clusterID: String?

    package init() {}
}
