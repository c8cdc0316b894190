import Testing

@testable import PostgresLedger

/// What a URL says, and what it may not say.
@Suite struct PostgresURLTests {
    private func fault(_ text: String) throws -> PostgresURLError {
        do throws(PostgresURLError) {
            _ = try PostgresURL(text)
        } catch {
            return error
        }
        throw NothingThrown()
    }

    @Test func severalHostsEachHaveTheirPort() throws {
        let url = try PostgresURL(
            "postgresql://worker@one,two:6432,[2001:db8::7]:7432/ledger?target_session_attrs=read-write")
        #expect(url.hosts.map(\.name) == ["one", "two", "2001:db8::7"])
        #expect(url.hosts.map(\.port) == [5432, 6432, 7432])
        #expect(url.hosts.map(\.description) == ["one:5432", "two:6432", "[2001:db8::7]:7432"])
        #expect(url.options[.user] == "worker" && url.database == "ledger")
        #expect(url.hosts.allSatisfy { $0.reach == .network })
    }

    @Test func onePortIsForAllHosts() throws {
        #expect(try PostgresURL("postgres:///x?host=a,b&port=7000").hosts.map(\.port) == [7000, 7000])
    }

    @Test func aSocketIsADirectoryAndTheUsualOneIfNothingIsSaid() throws {
        let usual = try PostgresURL("postgresql:///ledger").hosts
        #expect(usual.map(\.description) == ["socket /var/run/postgresql (port 5432)"])
        let own = try PostgresURL("postgresql://%2Frun%2Fdb:5433/ledger").hosts
        #expect(own.map(\.name) == ["/run/db"] && own[0].reach == .socket)
        #expect(try PostgresURL("postgresql:///x?host=@abstract").hosts[0].reach == .socket)
    }

    @Test func anAddressStandsForItsName() throws {
        let host = try PostgresURL("postgresql:///x?host=db.example&hostaddr=127.0.0.1").hosts[0]
        #expect(host.name == "db.example" && host.address == "127.0.0.1" && host.reach == .loopback)
        #expect(try PostgresURL("postgresql:///x?hostaddr=10.0.0.1").hosts[0].name == "10.0.0.1")
    }

    @Test(arguments: [
        ("localhost", true), ("127.0.0.1", true), ("127.8.9.10", true), ("::1", true),
        ("127.0.0.1.example", false), ("127.0.0", false), ("127.0.0.256", false), ("10.0.0.1", false), ("db", false),
    ])
    func whatIsThisMachineIsReadOffTheText(text: String, isLoopback: Bool) {
        #expect(PostgresHost.isLoopback(text) == isLoopback)
    }

    @Test func whatItMayNotSayIsNamed() throws {
        for keyword in ["passfile=/x", "service=x", "connect_timeout=3", "gssencmode=prefer", "replication=true"] {
            let name = keyword.prefix { $0 != "=" }
            #expect(try fault("postgresql://db/x?\(keyword)").description.hasPrefix("\(name) is not for it to say"))
        }
        #expect(try fault("postgresql://db/x?target_session_attrs=standby").description.contains("takes no writes"))
        #expect(try fault("postgresql:///x?host=a,b,c&port=1,2").description.contains("3 hosts"))
        #expect(try fault("postgresql://db:0/x").description.contains("port"))
        #expect(try fault("postgresql://db:66000/x").description.contains("port"))
        #expect(try fault("host=db").description.contains("postgresql://"))
    }

    /// libpq quotes what it does not understand, which may be the password.
    @Test(arguments: [
        "postgresql://u:hunter2@db/x", "postgresql://u:hunter2@[db/x", "postgresql://u:hunter2%zz@db/x",
        "postgresql://u:hunter2%00@db/x", "postgresql://db/x?password=hunter2", "postgresql://u:hunter2@[]/x",
        "postgresql://u:hunter2@[::1]x/x", "postgresql://db/x?hunter2", "postgresql://db/x?hunter2=1&a=b",
        "postgresql://db/x?user=hunter2=3", "u:hunter2@db",
    ]) func aPasswordIsRefusedAndNeverShown(url: String) throws {
        let text = try fault(url).description
        #expect(!text.contains("hunter2"), "\(text)")
        #expect(!text.isEmpty)
    }
}

/// How a host is spoken with: what is sent where others may read it is refused before anything is.
@Suite struct PostgresConfigurationTests {
    private func made(
        _ url: String, password: String? = nil, caFile: String? = nil, certificateFile: String? = nil
    ) throws -> [String: String] {
        let configuration = try configuration(url, password: password, caFile: caFile, certificateFile: certificateFile)
        let host = configuration.url.hosts[0]
        let list = configuration.parameters(for: host, at: "192.0.2.1", security: try configuration.security(for: host))
        #expect(Set(list.map(\.0)).count == list.count)
        return Dictionary(uniqueKeysWithValues: list)
    }

    @Test(arguments: ["", "?sslmode=prefer", "?sslmode=allow", "?sslmode=require", "?sslmode=verify-ca"])
    func overANetworkTLSIsAlwaysVerified(query: String) throws {
        let parameters = try made("postgresql://db/x\(query)", password: "secret")
        #expect(parameters["sslmode"] == "verify-full" && parameters["channel_binding"] == "require")
        #expect(parameters["sslrootcert"] == "/etc/ssl/certs/ca-certificates.crt")
        #expect(parameters["host"] == "db" && parameters["hostaddr"] == "192.0.2.1")
        #expect(parameters["ssl_min_protocol_version"] == "TLSv1.2")
        #expect(!parameters.values.contains("secret"), "the password goes another way")
    }

    @Test func withoutTLSANetworkIsRefused() throws {
        for host in ["db", "10.0.0.1", "localhost,db"] {
            #expect(throws: PostgresURLError.self) { try made("postgresql://\(host)/x?sslmode=disable") }
        }
        #expect(throws: PostgresURLError.self, "the address decides") {
            try made("postgresql:///x?host=localhost&hostaddr=10.0.0.1&sslmode=disable")
        }
        do {
            _ = try made("postgresql://db/x?sslmode=disable")
        } catch {
            #expect(
                "\(error)"
                    == "sslmode=disable: without TLS everybody between here and db:5432 reads the jobs; leave it out")
        }
    }

    @Test func onThisMachineThereIsNobodyBetween() throws {
        for url in ["postgresql://localhost/x", "postgresql://127.0.0.1/x?sslmode=prefer", "postgresql://%2Frun/x"] {
            let parameters = try made(url, password: "secret")
            #expect(parameters["sslmode"] == "disable" && parameters["channel_binding"] == "prefer", "\(url)")
        }
        #expect(try made("postgresql://localhost/x?sslmode=require")["sslmode"] == "verify-full")
        #expect(try made("postgresql://localhost/x", caFile: "/ca.pem")["sslrootcert"] == "/ca.pem")
        #expect(try made("postgresql://localhost/x?sslcert=/me.pem")["sslkey"] == "/me.pem", "both may be in one file")
    }

    /// libpq 15 gives the password itself to a server that asks for it, unless the login binds the channel.
    @Test func aPasswordIsProvenAndNotGiven() throws {
        let url = "postgresql://db/x?channel_binding=prefer"
        let isNewer = (try? made(url, password: "secret"))?["require_auth"] == "scram-sha-256"
        #expect(isNewer || (try? made(url, password: "secret")) == nil)
        let parameters = try made("postgresql://db/x", certificateFile: "/me.pem")
        #expect(parameters["channel_binding"] == "prefer", "who has a certificate has nothing to bind")
        #expect(try made("postgresql://db/x?channel_binding=require")["channel_binding"] == "require")
    }

    @Test func whatHomeAndEnvironmentWouldAddIsSaid() throws {
        let parameters = try made("postgresql://w@db/x?options=-c%20a%3Db")
        let said = [
            "application_name": "leave-albumd", "client_encoding": "UTF8", "gssencmode": "disable", "keepalives": "1",
            "keepalives_idle": "10", "target_session_attrs": "any", "options": "-c a=b", "dbname": "x", "user": "w",
        ]
        for (keyword, value) in said { #expect(parameters[keyword] == value) }
        for keyword in ["passfile", "sslcert", "sslkey", "sslcrl"] { #expect(parameters[keyword] == "/dev/null/none") }
    }
}
