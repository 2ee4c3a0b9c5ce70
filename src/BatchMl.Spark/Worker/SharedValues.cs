namespace BatchMl.Spark.Worker;

/// <summary>A share of a value that others may use at the same time. Disposing gives the share back, not the value.</summary>
/// <typeparam name="T">The value's type.</typeparam>
public interface IShared<out T> : IDisposable
{
    /// <summary>The value; valid until the share is given back.</summary>
    T Value { get; }
}

/// <summary>
/// Values that all tasks of a process share by key, such as loaded models. Loaded once though many tasks ask at the same time; when nobody has had a share for a while, the value is disposed (if it is disposable):
/// Spark keeps workers long after their session, and memory of a device must not be kept with them.
/// </summary>
/// <param name="clock">"Now".</param>
/// <param name="idle">How long a value without users is kept.</param>
public sealed class SharedValues(TimeProvider clock, TimeSpan idle) : IAsyncDisposable
{
    readonly Lock gate = new();
    readonly Dictionary<string, Entry> entries = [];
    bool isClosed;

    /// <summary>How many values are kept now, used or not.</summary>
    public int Count
    {
        get
        {
            lock (gate) return entries.Count;
        }
    }

    /// <summary>A share of the value of a key, loaded by whoever asks first.</summary>
    /// <param name="key">What names the value, everything that it depends on included, e.g. a digest and a device. Keys are those of one type each.</param>
    /// <param name="load">Loads it. If it throws, all who wait get the error and the next to ask loads again.</param>
    /// <param name="cancel">Ends the waiting, not the loading, which others may wait for.</param>
    public async Task<IShared<T>> RentAsync<T>(string key, Func<Task<T>> load, CancellationToken cancel = default)
    {
        Entry? entry;
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(isClosed, this);
            if (!entries.TryGetValue(key, out entry)) entries[key] = entry = new Entry(Task.Run(async () => (object?)await load(), CancellationToken.None));
            entry.Users++;
            entry.Expiry?.Dispose();
            entry.Expiry = null;
        }
        try
        {
            return new Share<T>((T)(await entry.Value.WaitAsync(cancel))!, () => Return(key, entry));
        }
        catch
        {
            Return(key, entry);
            throw;
        }
    }

    /// <summary>Disposes the values that nobody has a share of; the others when their last share is given back.</summary>
    public async ValueTask DisposeAsync()
    {
        Entry[] unused;
        lock (gate)
        {
            isClosed = true;
            unused = [.. entries.Values.Where(e => e.Users == 0)];
            foreach (var key in entries.Where(e => e.Value.Users == 0).Select(e => e.Key).ToList()) entries.Remove(key);
        }
        foreach (var entry in unused) await entry.EndAsync();
    }

    void Return(string key, Entry entry)
    {
        lock (gate)
        {
            if (--entry.Users > 0) return;
            if (!entry.Value.IsFaulted && !entry.Value.IsCanceled && !isClosed)
            {
                entry.Expiry = clock.CreateTimer(_ => _ = ExpireAsync(key, entry), null, idle, Timeout.InfiniteTimeSpan);
                return;
            }
            Remove(key, entry);
        }
        _ = entry.EndAsync();
    }

    async Task ExpireAsync(string key, Entry entry)
    {
        lock (gate)
        {
            // Rented again, or removed, just before.
            if (entry.Users > 0 || entry.Expiry is null || !Remove(key, entry)) return;
        }
        await entry.EndAsync();
    }

    bool Remove(string key, Entry entry) => entries.TryGetValue(key, out var current) && current == entry && entries.Remove(key);

    sealed class Entry(Task<object?> value)
    {
        internal Task<object?> Value { get; } = value;
        internal int Users { get; set; }
        internal ITimer? Expiry { get; set; }

        internal async Task EndAsync()
        {
            Expiry?.Dispose();
            // A value that could not be loaded told those who asked for it; one that still loads is waited for.
            await ((Task)Value).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!Value.IsCompletedSuccessfully) return;
            if (Value.Result is IAsyncDisposable later) await later.DisposeAsync();
            else (Value.Result as IDisposable)?.Dispose();
        }
    }

    sealed class Share<T>(T value, Action giveBack) : IShared<T>
    {
        Action? giveBack = giveBack;

        public T Value => giveBack is null ? throw new ObjectDisposedException(typeof(T).Name, "The share was given back.") : value;

        public void Dispose() => Interlocked.Exchange(ref giveBack, null)?.Invoke();
    }
}
