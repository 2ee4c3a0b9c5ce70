using System.Diagnostics;
using BatchMl.Runs;

namespace BatchMl.Core.Tests.Runs;

public sealed class HolderTests
{
    [Fact]
    public async Task A_killed_process_is_seen_to_be_gone_and_a_living_one_is_not()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("Reads /proc.");
        using var process = Process.Start(new ProcessStartInfo("sleep", "60"))!;
        var holder = Holder.NameOf(process.Id);
        Assert.False(Holder.IsGone(holder));
        Assert.False(Holder.IsGone(Holder.Self()));
        process.Kill();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(Holder.IsGone(holder));
    }

    [Fact]
    public void Only_what_can_be_known_counts_as_gone()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("Reads /proc.");
        var parts = Holder.Self().Split('/');
        string With(int part, string value) => string.Join('/', parts.Select((p, i) => i == part ? value : p));
        Assert.False(Holder.IsGone(With(0, "other-machine")));
        Assert.True(Holder.IsGone(With(1, "another-boot")));
        Assert.False(Holder.IsGone(With(2, "pid:[1]")));
        Assert.True(Holder.IsGone(With(4, "12345")));
        Assert.False(Holder.IsGone("nonsense"));
    }
}
