/// The version of all programs of this package.
public enum ProgramVersion {
    public static let text = "0.1.0"
}
