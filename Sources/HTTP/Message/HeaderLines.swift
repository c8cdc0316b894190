import CCurl
import Glibc
import Secrets

/// The request's own header lines in libcurl's form, overwritten at the end.
struct HeaderLines: ~Copyable {
    private(set) var list: UnsafeMutablePointer<curl_slist>?

    /// Bodies up to here go without a pause for a 100 by themselves, as libcurl would ask for before a megabyte.
    private static let shortBody = 65_536

    init(_ request: HTTPRequest) throws(HTTPFault) {
        // Before the first append: half a list is freed like a whole one.
        list = nil
        if let body = request.body, body.count > Self.shortBody { try retain(extended("Expect", ":", "")) }
        for field in request.fields {
            // libcurl takes a colon without a value as the wish to leave the header out.
            try retain(extended(field.name, field.value.isEmpty ? ";" : ": ", field.value))
        }
        guard let bearer = request.bearer else { return }
        try retain(bearer.withUnsafeBytes { extended("Authorization", ": Bearer ", $0) })
    }

    deinit {
        var line = list
        while let current = line {
            if let data = current.pointee.data { explicit_bzero(data, strlen(data)) }
            line = current.pointee.next
        }
        curl_slist_free_all(list)
    }

    private func extended(
        _ name: String, _ mark: StaticString, _ value: String
    ) -> UnsafeMutablePointer<curl_slist>? {
        var value = value
        return value.withUTF8 { extended(name, mark, UnsafeRawBufferPointer($0)) }
    }

    private func extended(
        _ name: String, _ mark: StaticString, _ value: UnsafeRawBufferPointer
    ) -> UnsafeMutablePointer<curl_slist>? {
        var name = name
        let mark = UnsafeRawBufferPointer(start: mark.utf8Start, count: mark.utf8CodeUnitCount)
        return name.withUTF8 { name in
            withWipedCString(UnsafeRawBufferPointer(name), mark, value) { curl_slist_append(list, $0) }
        }
    }

    private mutating func retain(_ extended: UnsafeMutablePointer<curl_slist>?) throws(HTTPFault) {
        guard let extended else {
            throw HTTPFault(kind: .other, detail: "libcurl has no memory for a header line")
        }
        list = extended
    }
}
