using System.Security.Cryptography;
using System.Text;

namespace BatchMl.Runs;

/// <summary>
/// What a partition's content depends on, each part a hex digest or a short text. Equal fingerprints mean equal content, so the partition need not be made again. Never
/// holds the build: a new version of BatchMl that computes otherwise raises <see cref="SemanticsVersion"/> by hand.
/// </summary>
/// <param name="Definitions">Digest of the job's definitions (expressions as text, windows, output columns).</param>
/// <param name="Model">Digest of the model; empty without one.</param>
/// <param name="Inputs">Digest of the inputs in the partition's range: files, sizes, times, footers, row groups; upstream manifests.</param>
/// <param name="SemanticsVersion">BatchMl's and the job's hand-raised versions, e.g. <c>1.1</c>.</param>
public sealed record Fingerprint(string Definitions, string Model, string Inputs, string SemanticsVersion)
{
    /// <summary>Digest of all parts.</summary>
    public string Value => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Definitions}|{Model}|{Inputs}|{SemanticsVersion}")));

    /// <summary>Names the parts that differ from another fingerprint, e.g. <c>inputs changed, model changed</c>.</summary>
    public string ChangesSince(Fingerprint before)
    {
        var changes = new List<string>();
        if (before.Definitions != Definitions) changes.Add("definitions changed");
        if (before.Model != Model) changes.Add("model changed");
        if (before.Inputs != Inputs) changes.Add("inputs changed");
        if (before.SemanticsVersion != SemanticsVersion) changes.Add("semantics version changed");
        return string.Join(", ", changes);
    }
}
