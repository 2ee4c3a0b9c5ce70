using System.Runtime.CompilerServices;
using BatchMl.Hosting;

namespace BatchMl.Testing;

/// <summary>The answer of a query over what jobs published in a workspace, kept in a file, see <see cref="GoldenText"/>.</summary>
public static class GoldenOutput
{
    /// <summary>Expects the rows that a query gives to be those of a file, in the order of the query: order it. The columns <c>run_id</c> and <c>scored_at</c> differ from run to run; leave them out.</summary>
    /// <param name="application">The program.</param>
    /// <param name="workspace">The workspace that a job ran in.</param>
    /// <param name="sql">E.g. <c>SELECT customer_id, score FROM "churn/score" ORDER BY ALL</c>.</param>
    /// <param name="path">The file, as CSV; a relative path is relative to the source file of the test.</param>
    /// <param name="cancel">Stops reading.</param>
    /// <param name="caller">The source file of the test; the compiler gives it.</param>
    /// <exception cref="TestFailedException">The query fails, with what is wrong; or its rows are others: says where they differ.</exception>
    public static async Task CheckAsync(BatchMlApplication application, string workspace, string sql, string path, CancellationToken cancel = default, [CallerFilePath] string caller = "")
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await (application with { Out = output, Error = error }).RunAsync(["query", sql, "--workspace", workspace, "--csv"], cancel);
        if (code != ExitCodes.Done) throw new TestFailedException($"The query ended with exit code {code}; expected rows. It said: {error.ToString().TrimEnd()}");
        GoldenText.Check(output.ToString(), path, caller);
    }
}
