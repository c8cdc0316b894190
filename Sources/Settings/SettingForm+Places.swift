extension SettingForm where Value == BrokerURI {
    static var brokerURI: Self {
        .text("amqp:// or amqps://, then [user[:password]@]host[:port][/vhost]", write: \.description) {
            (text) throws(MalformedText) in
            try BrokerURI(parsing: text)
        }
    }
}

extension SettingForm where Value == ListenAddress {
    static var listenAddress: Self {
        .text("a numeric address and a port, such as \"127.0.0.1:9464\" or \"[::1]:9464\"", write: \.description) {
            ListenAddress($0)
        }
    }
}

extension SettingForm where Value == SecretFile {
    /// - Parameter key: the key's name, which the file carries for its own faults.
    static func file(key: String) -> Self {
        let allowed = "an absolute path, or the name of a file in $CREDENTIALS_DIRECTORY"
        return Self(allowed, isText: true) { (value, context) throws(Complaints) in
            guard case .string(let text) = value.content else { throw Complaints(value, "it is \(value.kindName)") }
            guard !text.isEmpty, !text.utf8.contains(0) else {
                throw Complaints(value, "\(tomlQuoted(text)) is no file's name")
            }
            if text.hasPrefix("/") { return SecretFile(key: key, path: text) }
            guard !text.contains("/"), text != ".", text != ".." else {
                throw Complaints(value, "\(tomlQuoted(text)) is neither absolute nor a plain name")
            }
            guard let directory = context.credentialsDirectory, directory.hasPrefix("/") else {
                throw Complaints(
                    value,
                    "\(tomlQuoted(text)) is relative, and $CREDENTIALS_DIRECTORY is not set to a directory, nor is there a "
                        + "directory credentials beside the settings")
            }
            return SecretFile(key: key, path: "\(directory)/\(text)")
        } write: {
            tomlQuoted($0.path)
        }
    }
}
