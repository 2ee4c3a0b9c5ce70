using System.Collections;
using System.Text.RegularExpressions;
using BatchMl.TestSupport;
using Google.Protobuf;

namespace BatchMl.Spark.Tests.Connect;

/// <summary>Which fields of the protocol are newer than Spark 3.5, by the comments of the definitions; and which fields a message has set.</summary>
static partial class ProtocolVersions
{
    /// <summary>Full names of the fields.</summary>
    public static HashSet<string> FieldsNewerThan35()
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var file in Directory.GetFiles(Path.Combine(Shared.RepositoryRoot, "src", "BatchMl.Spark", "Protos", "spark", "connect"), "*.proto"))
        {
            var scope = new Stack<string>();
            foreach (var line in File.ReadLines(file).Select(l => l.Trim()))
            {
                if (Block().Match(line) is { Success: true } block) scope.Push(block.Groups[1].Value == "oneof" ? "" : block.Groups[2].Value);
                else if (line.StartsWith('}')) scope.Pop();
                else if (Field().Match(line) is { Success: true } field && Since().IsMatch(line))
                    names.Add($"spark.connect.{string.Join('.', scope.Reverse().Where(s => s.Length > 0))}.{field.Groups[1].Value}");
            }
        }
        return names;
    }

    /// <summary>Full names of the fields that are set, at any depth.</summary>
    public static IEnumerable<string> FieldsSet(IMessage message)
    {
        foreach (var field in message.Descriptor.Fields.InFieldNumberOrder())
        {
            var value = field.Accessor.GetValue(message);
            IEnumerable<IMessage> inside = value switch
            {
                IDictionary map => map.Values.OfType<IMessage>(),
                IList list => list.OfType<IMessage>(),
                IMessage one => [one],
                _ => [],
            };
            var set = value switch
            {
                IDictionary map => map.Count > 0,
                IList list => list.Count > 0,
                null => false,
                _ => field.HasPresence ? field.Accessor.HasValue(message) : !Equals(value, value is string ? "" : value is ByteString ? ByteString.Empty : Activator.CreateInstance(value.GetType())),
            };
            if (set) yield return field.FullName;
            foreach (var name in inside.SelectMany(FieldsSet)) yield return name;
        }
    }

    [GeneratedRegex(@"^(message|enum|oneof|service) (\w+) \{(?!\})")]
    private static partial Regex Block();

    [GeneratedRegex(@"(\w+) = \d+")]
    private static partial Regex Field();

    [GeneratedRegex(@"// since 4\.")]
    private static partial Regex Since();
}
