import Foundation
import RepositoryFiles

/// A RabbitMQ node of the tests' own: its data in a temporary folder, its ports picked free, its port mapper too.
///
/// Its programs are this machine's, or those of a Debian tree that `LEAVE_ALBUMD_BROKER_TREE` names: another release.
package actor PrivateBroker {
    package struct NotReady: Error, CustomStringConvertible {
        package let description: String
    }

    package nonisolated let port: Int
    private let directory: TemporaryDirectory
    private let environment: [String: String]
    private let inTree: [String]
    private let portMapper: ChildProcess
    private var node: ChildProcess?

    private static let server = "/usr/lib/rabbitmq/bin/rabbitmq-server"
    private static let control = "/usr/lib/rabbitmq/bin/rabbitmqctl"
    private static let tree = ProcessInfo.processInfo.environment["LEAVE_ALBUMD_BROKER_TREE"]
    /// Starting takes about eight seconds on two idle cores, and the suite keeps them busy.
    private static let timeout = ChildProcess.timeout

    /// One node for all tests of a process: they use names of their own.
    package static let shared = Task { try await PrivateBroker() }

    /// `plugins` of RabbitMQ's own package, and lines of rabbitmq.conf, which may name files `beside` it.
    package init(
        plugins: [String] = [], configuration: String = "", beside other: TemporaryDirectory? = nil
    ) async throws {
        directory = try TemporaryDirectory("broker")
        if let tree = Self.tree {
            let read = other.map { ["--read", $0.url.path] } ?? []
            inTree =
                [RepositoryFile.path("scripts/testbed/in-tree"), tree, "--bind", directory.url.path] + read + ["--"]
        } else {
            inTree = []
        }
        port = freePort()
        let mapperPort = freePort()
        for folder in ["mnesia", "log", "home"] {
            try FileManager.default.createDirectory(at: directory.file(folder), withIntermediateDirectories: true)
        }
        try directory.write("enabled_plugins", "[\(plugins.joined(separator: ","))].\n")
        try directory.write("rabbitmq.conf", configuration)
        environment = [
            "RABBITMQ_NODENAME": "test\(port)@localhost", "RABBITMQ_NODE_PORT": "\(port)",
            // So that the script becomes the node, and the node is the child that is killed.
            "RUNNING_UNDER_SYSTEMD": "1", "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": "\(freePort())",
            "RABBITMQ_MNESIA_BASE": directory.file("mnesia").path, "RABBITMQ_LOG_BASE": directory.file("log").path,
            "RABBITMQ_ENABLED_PLUGINS_FILE": directory.file("enabled_plugins").path,
            "RABBITMQ_CONF_ENV_FILE": "/dev/null", "RABBITMQ_CONFIG_FILE": directory.file("rabbitmq").path,
            "RABBITMQ_CTL_DIST_PORT_MIN": "\(freePort())", "RABBITMQ_CTL_DIST_PORT_MAX": "65000",
            "HOME": directory.file("home").path, "ERL_EPMD_PORT": "\(mapperPort)",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            // Whoever finds no mapper, as rabbitmqctl when the node has just ended, else starts one that nobody ends.
            "ERL_AFLAGS": "-start_epmd false",
            // Two schedulers are what the machine has.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none",
        ]
        // In the foreground and ours, so that none is left behind.
        portMapper = try ChildProcess(
            inTree + ["/usr/bin/epmd", "-port", "\(mapperPort)", "-address", "127.0.0.1"],
            output: directory.file("epmd.out"))
        // Before the node looks for one, and else ends.
        let deadline = Date().addingTimeInterval(Self.timeout)
        while !listens(mapperPort) {
            guard portMapper.isRunning, Date() < deadline else {
                throw NotReady(description: "epmd did not start: \(portMapper.text)")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        try await start()
    }

    package func start() async throws {
        let node = try ChildProcess(
            inTree + [Self.server], environment: environment, output: directory.file("node.out"))
        self.node = node
        let deadline = Date().addingTimeInterval(Self.timeout)
        while !node.text.contains("completed with") {
            guard node.isRunning, Date() < deadline else {
                throw NotReady(description: "the broker did not start: \(node.text)")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// An orderly end; its data stay.
    package func stop() async {
        node?.signal(SIGTERM)
        if await node?.wait(seconds: 60) == nil { await kill() }
        node = nil
    }

    /// SIGKILL.
    package func kill() async {
        node?.signal(SIGKILL)
        _ = await node?.wait(seconds: 30)
        node = nil
    }

    /// Ends the node and its port mapper. Tests of a node of their own call it at their end.
    package func end() async {
        await kill()
        portMapper.signal(SIGTERM)
        _ = await portMapper.wait(seconds: 10)
    }

    /// `rabbitmqctl import_definitions` of any file here.
    package func importDefinitions(_ path: String) async throws {
        // Its own folder is what the broker of a tree has of this machine.
        let copy = directory.file("definitions.json")
        try? FileManager.default.removeItem(at: copy)
        try FileManager.default.copyItem(atPath: path, toPath: copy.path)
        try await control("import_definitions", copy.path)
    }

    @discardableResult
    package func control(_ arguments: String...) async throws -> String {
        let (ending, text) = try await ChildProcess.run(
            inTree + [Self.control, "--node", environment["RABBITMQ_NODENAME"] ?? ""] + arguments,
            environment: environment)
        guard ending == .exited(0) else {
            throw NotReady(description: "rabbitmqctl \(arguments.joined(separator: " ")): \(text)")
        }
        return text
    }

    package func closeAllConnections() async throws {
        try await control("close_all_connections", "test")
    }
}
