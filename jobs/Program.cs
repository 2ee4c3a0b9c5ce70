using BatchMl.Jobs;
using BatchMl.Spark.Worker;

// Before anything else: what a worker writes first is read by Spark.
if (SparkWorker.IsWorker(args)) return await SparkWorker.RunAsync(args, Composition.SparkFunctions());

using var stop = new CancellationTokenSource();
// Ctrl-C and a polite kill end the run in order: leases are given back and lineage is told. A second Ctrl-C ends it at once.
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
};
using var terminated = System.Runtime.InteropServices.PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGTERM, context =>
{
    context.Cancel = true;
    stop.Cancel();
});

return await Composition.Application().RunAsync(args, stop.Token);
