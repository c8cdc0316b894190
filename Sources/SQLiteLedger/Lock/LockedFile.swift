import CLinux
import Concurrency
import Glibc
import Ledger

/// A ledger's file, open for its lock alone: nothing is read or written through it.
struct LockedFile: Sendable {
    enum Answer {
        case locked(LockedFile)
        /// Another process has it, or another lock of this one.
        case taken
        /// There is no file of that name.
        case none
    }

    let identity: FileIdentity
    private let descriptor: Int32

    /// Those of this process. One that is open here is not opened again to see whether it is locked: closing that
    /// descriptor would drop SQLite's own locks.
    private static let held = Lock<Set<FileIdentity>>([])

    /// What is renamed or replaced so often is not a file that anybody could lock.
    private static let tries = 100

    static func lock(_ path: String, makes: Bool) throws(LedgerError) -> Answer {
        for _ in 0..<tries {
            if let identity = FileIdentity(path: path), held.withLock({ $0.contains(identity) }) { return .taken }
            guard let descriptor = try open(path, makes: makes) else { return .none }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                let code = CLinux_errno()
                Glibc.close(descriptor)
                if code == EWOULDBLOCK { return .taken }
                throw .unavailable(SystemCallError("locking \(path)", code: code).description)
            }
            // Another file may have come by this name meanwhile, and the lock on this one would keep nobody out.
            guard let identity = FileIdentity(descriptor: descriptor), identity == FileIdentity(path: path) else {
                unlock(descriptor)
                continue
            }
            held.withLock { _ = $0.insert(identity) }
            return .locked(LockedFile(identity: identity, descriptor: descriptor))
        }
        return .taken
    }

    /// Nil if there is none and none is to be made. A new one is for its owner alone, because it names users and what
    /// they asked for. It has no bytes until SQLite writes the first page, and counts as no ledger until then.
    private static func open(_ path: String, makes: Bool) throws(LedgerError) -> Int32? {
        // For writing, though nothing is written: a layered file system gives the file that can be written another
        // number than the one below it. A named pipe would else wait for its other end.
        var descriptor = CLinux_open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC, 0)
        if descriptor < 0, CLinux_errno() == ENOENT {
            guard makes else { return nil }
            descriptor = CLinux_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        } else if descriptor < 0 {
            descriptor = CLinux_open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0)
        }
        guard descriptor >= 0 else {
            let error = SystemCallError(makes ? "creating ledger \(path)" : "opening ledger \(path)")
            throw .unavailable("\(error); make it and its directory readable and writable for the daemon's user")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            Glibc.close(descriptor)
            throw .unusable("\(path) is no regular file: set ledger.path to one, or to a name that is free")
        }
        return descriptor
    }

    func isHalted(_ path: String) -> Bool { FileIdentity(path: path) == identity }

    /// Gives the lock back.
    func close() {
        Self.held.withLock { _ = $0.remove(identity) }
        Self.unlock(descriptor)
    }

    /// A program that is just being started has a copy of the descriptor until it is its own, and would keep the lock.
    static func unlock(_ descriptor: Int32) {
        flock(descriptor, LOCK_UN)
        Glibc.close(descriptor)
    }

    /// The process that has the file by another name, if the kernel says so.
    static func holder(_ path: String) -> Int? {
        guard let identity = FileIdentity(path: path), let file = fopen("/proc/locks", "re") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            if let holder = holder(in: text, of: identity) { return holder }
        }
        return nil
    }

    /// Of a line like `3: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF`: process, device and inode.
    static func holder(in line: String, of identity: FileIdentity) -> Int? {
        let fields = line.split(separator: " ")
        guard fields.count >= 6, fields[1] == "FLOCK", let process = Int(fields[4]), process > 0 else { return nil }
        let file = fields[5].split(separator: ":")
        guard file.count == 3, let major = UInt64(file[0], radix: 16), let minor = UInt64(file[1], radix: 16),
            UInt64(file[2]) == UInt64(identity.number)
        else { return nil }
        let device = UInt64(identity.device)
        let isSame = device >> 8 & 0xFFF == major && (device & 0xFF | device >> 12 & 0xFFF00) == minor
        return isSame ? process : nil
    }
}
