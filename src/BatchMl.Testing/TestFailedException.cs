namespace BatchMl.Testing;

/// <summary>An expectation that does not hold, or that can not be asked: what was got, expected, where, and what to do. Every test framework shows it as a failure.</summary>
/// <param name="message">The whole of it.</param>
public sealed class TestFailedException(string message) : Exception(message);
