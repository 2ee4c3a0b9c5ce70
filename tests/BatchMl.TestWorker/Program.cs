using BatchMl.Spark.Worker;
using BatchMl.TestWorker;

// A worker for tests with a real Spark: functions that tell, fail and wait.
return SparkWorker.IsWorker(args) ? await SparkWorker.RunAsync(args, new NamedFunctions(TestFunctions.All)) : 2;
