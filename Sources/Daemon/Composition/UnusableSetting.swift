/// A setting that is well formed and that this machine cannot use: a file that is missing or holds no key.
package struct UnusableSetting: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
