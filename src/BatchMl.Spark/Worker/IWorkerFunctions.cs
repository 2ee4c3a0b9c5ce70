using Apache.Arrow;

namespace BatchMl.Spark.Worker;

/// <summary>
/// What a task does with its partition. The function owns the input batches that it takes: it disposes each after use, or yields it. What it yields belongs to the worker, which disposes it after it was sent.
/// All batches yielded must have the same columns, in types that Spark reads; none at all is no rows. Whatever it throws fails the task and reaches Spark's user with type, message and stack.
/// </summary>
/// <param name="task">Which task it is.</param>
/// <param name="input">The partition's rows, in Spark's order. Batches are read ahead, one at most. Need not be read to its end, though a connection is then not used again.</param>
/// <param name="cancel">Cancelled when Spark no longer wants the rows: a LIMIT is met, the task is cancelled, the executor ends.</param>
public delegate IAsyncEnumerable<RecordBatch> WorkerFunction(WorkerTask task, IAsyncEnumerable<RecordBatch> input, CancellationToken cancel);

/// <summary>The functions that a worker can run.</summary>
public interface IWorkerFunctions
{
    /// <summary>The function that a command asks for. Called for each task, by many threads, before any row was read.</summary>
    /// <param name="command">The bytes that the client put into the plan.</param>
    /// <exception cref="BatchMlException">There is no such function: driver and worker are of different builds.</exception>
    WorkerFunction Find(ReadOnlyMemory<byte> command);
}
