using BatchMl.Spark.Worker;
using Microsoft.Extensions.Time.Testing;

namespace BatchMl.Spark.Tests.Worker;

/// <summary>Values that tasks share.</summary>
public sealed class SharedValuesTests
{
    readonly FakeTimeProvider clock = new();

    [Fact]
    public async Task A_value_lives_until_nobody_has_used_it_for_a_while()
    {
        await using var values = new SharedValues(clock, TimeSpan.FromSeconds(30));
        var model = new Model();
        var first = await Rent(values, model);
        var second = await Rent(values, new Model());
        Assert.Same(model, second.Value);
        first.Dispose();
        first.Dispose();
        clock.Advance(TimeSpan.FromMinutes(5));
        Assert.False(model.IsDisposed);
        second.Dispose();
        clock.Advance(TimeSpan.FromSeconds(29));
        Assert.False(model.IsDisposed);
        (await Rent(values, new Model())).Dispose();
        clock.Advance(TimeSpan.FromSeconds(29));
        Assert.False(model.IsDisposed);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(model.IsDisposed);
        Assert.Equal(0, values.Count);
        Assert.Throws<ObjectDisposedException>(() => second.Value);
    }

    [Fact]
    public async Task After_it_was_given_up_it_is_loaded_anew()
    {
        await using var values = new SharedValues(clock, TimeSpan.FromSeconds(30));
        (await Rent(values, new Model())).Dispose();
        clock.Advance(TimeSpan.FromSeconds(30));
        var again = new Model();
        using var share = await Rent(values, again);
        Assert.Same(again, share.Value);
    }

    [Fact]
    public async Task Many_who_ask_at_once_wait_for_one_loading()
    {
        await using var values = new SharedValues(clock, TimeSpan.FromSeconds(30));
        var (loads, loaded) = (0, new TaskCompletionSource<Model>());
        var asking = Enumerable.Range(0, 50).Select(_ => values.RentAsync("m", () =>
        {
            Interlocked.Increment(ref loads);
            return loaded.Task;
        })).ToList();
        loaded.SetResult(new Model());
        Assert.Single((await Task.WhenAll(asking)).Select(s => s.Value).Distinct());
        Assert.Equal(1, loads);
    }

    [Fact]
    public async Task A_loading_that_fails_is_told_to_all_and_tried_again_by_the_next()
    {
        await using var values = new SharedValues(clock, TimeSpan.FromSeconds(30));
        var failing = new TaskCompletionSource<Model>();
        var asking = Enumerable.Range(0, 3).Select(_ => values.RentAsync("m", () => failing.Task)).ToList();
        failing.SetException(new DataException("no such model"));
        foreach (var one in asking) Assert.Equal("no such model", (await Assert.ThrowsAsync<DataException>(() => one)).Message);
        using var share = await Rent(values, new Model());
        Assert.NotNull(share.Value);
    }

    [Fact]
    public async Task Who_gives_up_waiting_does_not_end_the_loading_for_others()
    {
        await using var values = new SharedValues(clock, TimeSpan.FromSeconds(30));
        var loading = new TaskCompletionSource<Model>();
        using var cancel = new CancellationTokenSource();
        var impatient = values.RentAsync("m", () => loading.Task, cancel.Token);
        var patient = values.RentAsync("m", () => loading.Task, TestContext.Current.CancellationToken);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        loading.SetResult(new Model());
        using var share = await patient;
        clock.Advance(TimeSpan.FromMinutes(5));
        Assert.False(share.Value.IsDisposed);
    }

    [Fact]
    public async Task At_the_end_what_nobody_uses_goes_at_once_and_the_rest_with_its_last_user()
    {
        var values = new SharedValues(clock, TimeSpan.FromSeconds(30));
        var (used, unused) = (new Model(), new Model());
        var share = await values.RentAsync("used", () => Task.FromResult(used), TestContext.Current.CancellationToken);
        (await values.RentAsync("unused", () => Task.FromResult(unused), TestContext.Current.CancellationToken)).Dispose();
        await values.DisposeAsync();
        Assert.True(unused.IsDisposed);
        Assert.False(used.IsDisposed);
        share.Dispose();
        Assert.True(used.IsDisposed);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => values.RentAsync("m", () => Task.FromResult(1)));
    }

    static Task<IShared<Model>> Rent(SharedValues values, Model model) => values.RentAsync("m", () => Task.FromResult(model), TestContext.Current.CancellationToken);

    sealed class Model : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose()
        {
            Assert.False(IsDisposed);
            IsDisposed = true;
        }
    }
}
