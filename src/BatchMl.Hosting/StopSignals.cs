using System.Runtime.InteropServices;

namespace BatchMl.Hosting;

/// <summary>Ctrl-C and a polite kill end a run in order: leases are given back and lineage is told. A second Ctrl-C ends it at once.</summary>
sealed class StopSignals : IDisposable
{
    readonly CancellationTokenSource stop = new();
    readonly PosixSignalRegistration terminated;

    public StopSignals()
    {
        Console.CancelKeyPress += OnCancelKey;
        terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            stop.Cancel();
        });
    }

    public CancellationToken Token => stop.Token;

    public void Dispose()
    {
        Console.CancelKeyPress -= OnCancelKey;
        terminated.Dispose();
        stop.Dispose();
    }

    void OnCancelKey(object? sender, ConsoleCancelEventArgs e)
    {
        e.Cancel = !stop.IsCancellationRequested;
        stop.Cancel();
    }
}
