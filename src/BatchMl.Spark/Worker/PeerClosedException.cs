namespace BatchMl.Spark.Worker;

/// <summary>The other end closed the connection. That is how Spark ends a task whose rows it no longer wants (LIMIT, cancellation), so it is no error of anyone's.</summary>
sealed class PeerClosedException(Exception? inner = null) : Exception("Spark closed the connection.", inner);
