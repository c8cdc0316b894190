package import Clocks
package import Secrets

/// One request. URL, bearer and body may hold secrets; none of them is ever part of a fault.
package struct HTTPRequest: Sendable {
    package var method: HTTPMethod
    /// `http://…` or `https://…`, percent-encoded. It is sent as it is.
    package var url: Secret
    package var fields: [HTTPField]
    /// Sent as `Authorization: Bearer …`.
    package var bearer: Secret?
    /// For a POST. Its media type is among the fields.
    package var body: Secret?
    /// The end of the send window: from then on no byte of it is sent, on whatever connection, and it is *not sent* for
    /// being too late. Once it has begun before, its answer is heard out. Nil: it begins whenever it can.
    package var beginsBefore: MonotonicTime?

    package init(
        _ method: HTTPMethod, url: Secret, fields: [HTTPField] = [], bearer: Secret? = nil,
        body: Secret? = nil, beginsBefore: MonotonicTime? = nil
    ) {
        self.method = method
        self.url = url
        self.fields = fields
        self.bearer = bearer
        self.body = body
        self.beginsBefore = beginsBefore
    }

    package init(
        _ method: HTTPMethod, url: String, fields: [HTTPField] = [], bearer: Secret? = nil,
        body: Secret? = nil, beginsBefore: MonotonicTime? = nil
    ) {
        self.init(
            method, url: Secret(copying: Array(url.utf8)), fields: fields, bearer: bearer, body: body,
            beginsBefore: beginsBefore)
    }

    /// The time is not asked for without a window.
    func isTooLate(at now: @autoclosure () -> MonotonicTime) -> Bool {
        beginsBefore.map { $0 <= now() } ?? false
    }
}

/// One header line.
package struct HTTPField: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// Whether it has this name, whatever the case of its own. By its bytes: a lower-case copy of each name of each
    /// answer costs more than all else that is read of it.
    package func isNamed(_ lowercased: String) -> Bool {
        let (own, wanted) = (name.utf8, lowercased.utf8)
        return own.count == wanted.count
            && zip(own, wanted).allSatisfy { byte, wanted in
                ((UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte) == wanted
            }
    }
}

package enum HTTPMethod: String, Sendable {
    case get = "GET"
    case post = "POST"
}
