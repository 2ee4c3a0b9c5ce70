namespace BatchMl.Spark.Worker;

/// <summary>Spark said something that its worker protocol, as it is known here, does not allow; or asks for what is not offered.</summary>
sealed class ProtocolException(string message, Exception? inner = null) : BatchMlException(message, FailureKind.Permanent, inner);
