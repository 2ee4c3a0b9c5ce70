namespace BatchMl;

/// <summary>What the runner does about an error.</summary>
public enum FailureKind
{
    /// <summary>May pass by itself (a busy file, a changed input): the attempt is repeated with back-off and jitter.</summary>
    Transient,

    /// <summary>Will not pass by itself (bad data, a full limit): the partition fails, the others go on.</summary>
    Permanent,

    /// <summary>A defect of BatchMl or of a user's function: the run stops.</summary>
    Bug,
}

/// <summary>An error that says what was got, what was expected, where, and what to do.</summary>
public class BatchMlException(string message, FailureKind kind = FailureKind.Permanent, Exception? inner = null)
    : Exception(message, inner)
{
    /// <summary>What the runner does about it.</summary>
    public FailureKind Kind { get; } = kind;
}

/// <summary>A job, its configuration or its command line is wrong. Found before any data moves; exit code 2.</summary>
/// <param name="problems">Every problem found, each a whole sentence: all are reported at once.</param>
public sealed class DefinitionException(params IReadOnlyList<string> problems)
    : BatchMlException(string.Join(Environment.NewLine, problems))
{
    /// <summary>The single problems.</summary>
    public IReadOnlyList<string> Problems { get; } = problems;
}

/// <summary>Data does not hold what was promised: the message names file, column and row.</summary>
public sealed class DataException(string message, Exception? inner = null)
    : BatchMlException(message, FailureKind.Permanent, inner);

/// <summary>An input changed between planning and commit; the attempt is repeated on the new input.</summary>
public sealed class InputChangedException(string message) : BatchMlException(message, FailureKind.Transient);

/// <summary>The engine can not work at all: no other partition would fare better, so the run stops, after the tries that a transient error has.</summary>
public sealed class EngineUnavailableException(string message, FailureKind kind, Exception inner) : BatchMlException(message, kind, inner);

/// <summary>A run has more dead letters than it allows; exit code 3.</summary>
public sealed class DeadLetterLimitException(string message) : BatchMlException(message);

/// <summary>Another process took the lease over: this attempt must stop and changes nothing.</summary>
public sealed class LeaseLostException(string message) : BatchMlException(message, FailureKind.Transient);
