/// Markup, as bytes. Names are the program's own; whatever comes from elsewhere can only be text or an attribute's value,
/// and is one for the browser too.
package struct HTML: Equatable, Sendable {
    package let bytes: [UInt8]

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// An attribute; nil as its value leaves it out.
    package typealias Attributes = KeyValuePairs<StaticString, String?>

    package static func text(_ text: String) -> HTML { HTML(bytes: escaped(text)) }

    /// `style` and `script` are no such elements: the text in them would not be read as text.
    package static func element(_ name: StaticString, _ attributes: Attributes = [:], _ children: [HTML?] = []) -> HTML
    {
        var bytes = opening(name, attributes)
        for case .some(let child) in children { bytes += child.bytes }
        return HTML(bytes: bytes + Array("</\(name)>".utf8))
    }

    package static func element(_ name: StaticString, _ attributes: Attributes = [:], _ text: String) -> HTML {
        element(name, attributes, [.text(text)])
    }

    /// An element that has no end: `meta`, `link`, `input`.
    package static func void(_ name: StaticString, _ attributes: Attributes) -> HTML {
        HTML(bytes: opening(name, attributes))
    }

    /// A style or a script of the program's own.
    static func raw(_ name: StaticString, _ content: [UInt8]) -> HTML {
        HTML(bytes: Array("<\(name)>".utf8) + content + Array("</\(name)>".utf8))
    }

    private static func opening(_ name: StaticString, _ attributes: Attributes) -> [UInt8] {
        var bytes = Array("<\(name)".utf8)
        for case (let name, .some(let value)) in attributes {
            bytes += Array(" \(name)=\"".utf8) + escaped(value) + [UInt8(ascii: "\"")]
        }
        return bytes + [UInt8(ascii: ">")]
    }

    /// https://html.spec.whatwg.org/multipage/parsing.html: what ends text, or an attribute's value in double quotes.
    private static func escaped(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): bytes += "&amp;".utf8
            case UInt8(ascii: "<"): bytes += "&lt;".utf8
            case UInt8(ascii: ">"): bytes += "&gt;".utf8
            case UInt8(ascii: "\""): bytes += "&quot;".utf8
            default: bytes.append(byte)
            }
        }
        return bytes
    }
}
