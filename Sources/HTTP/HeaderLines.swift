import CCurl
import Glibc
import Secrets

/// The request's own header lines in libcurl's form, overwritten at the end.
struct HeaderLines: ~Copyable {
    private(set) var list: UnsafeMutablePointer<curl_slist>?

    init(_ request: HTTPRequest) throws(HTTPFault) {
        // Before the first append: half a list is freed like a whole one.
        list = nil
        // No pause for a 100: the body is short.
        try append("Expect:")
        for field in request.fields {
            // libcurl takes a colon without a value as the wish to leave the header out.
            try append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        guard let bearer = request.bearer else { return }
        try appendBearer(bearer)
    }

    deinit {
        var line = list
        while let current = line {
            if let data = current.pointee.data { explicit_bzero(data, strlen(data)) }
            line = current.pointee.next
        }
        curl_slist_free_all(list)
    }

    private mutating func appendBearer(_ bearer: borrowing Secret) throws(HTTPFault) {
        let extended = bearer.withUnsafeBytes { token in
            var name = "Authorization: Bearer "
            return name.withUTF8 { name in
                withWipedCString([UnsafeRawBufferPointer(name), token]) { curl_slist_append(list, $0) }
            }
        }
        try keep(extended)
    }

    private mutating func append(_ line: String) throws(HTTPFault) {
        try keep(curl_slist_append(list, line))
    }

    private mutating func keep(_ extended: UnsafeMutablePointer<curl_slist>?) throws(HTTPFault) {
        guard let extended else {
            throw HTTPFault(kind: .other, detail: "libcurl has no memory for a header line")
        }
        list = extended
    }
}
