using Apache.Arrow;

namespace BatchMl.Data;

/// <summary>
/// A file of rows for people and their notebooks; datasets have an <see cref="IBatchSink"/>. Not safe for concurrent use. Whoever opens one gives it a temporary name, and removes or renames it.
/// </summary>
public interface ITableFile : IDisposable
{
    /// <summary>Appends rows. The batch stays the caller's.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    void Write(RecordBatch batch);

    /// <summary>Writes what is left and closes the file. Called once, last; a file that is disposed of without is not whole.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    void Complete();
}

/// <summary>Opens a new file for rows of a schema.</summary>
/// <param name="path">Where; no file is there.</param>
/// <param name="schema">Of all batches.</param>
/// <exception cref="DefinitionException">The format can not carry a column's type.</exception>
public delegate ITableFile TableFileFactory(string path, Schema schema);
