using System.Data;
using BatchMl.Operations;
using Dapper;

namespace BatchMl.Catalog;

/// <summary>Keys to the API, by hash. A revoked one is kept, so that its name in the audit log stays explained.</summary>
static class KeyTable
{
    const string Select = "SELECT name AS Name, hash AS Hash, role AS Role, created_at AS CreatedAt, revoked_at AS RevokedAt FROM api_key";

    public static bool Add(IDbTransaction t, ApiKey key) =>
        Rows.Value<long>(t, "SELECT COUNT(*) FROM api_key WHERE hash = @Hash OR name = @Name AND revoked_at IS NULL", new { key.Hash, key.Name }) == 0
        && t.Connection!.Execute(
            "INSERT INTO api_key (hash, name, role, created_at) VALUES (@Hash, @Name, @role, @at)", new { key.Hash, key.Name, role = key.Role.ToString(), at = Values.OfTime(key.CreatedAt) }, t) == 1;

    public static ApiKey? Find(IDbTransaction t, string hash) => Query(t, "WHERE hash = @hash AND revoked_at IS NULL", new { hash }).FirstOrDefault();

    public static IReadOnlyList<ApiKey> All(IDbTransaction t) => Query(t, "ORDER BY created_at, hash", null);

    public static bool Revoke(IDbTransaction t, string name, DateTimeOffset at) =>
        t.Connection!.Execute("UPDATE api_key SET revoked_at = @at WHERE name = @name AND revoked_at IS NULL", new { name, at = Values.OfTime(at) }, t) > 0;

    static List<ApiKey> Query(IDbTransaction t, string where, object? parameters) => Rows.Read<Row, ApiKey>(t, $"{Select} {where}", parameters, r => r.Record());

    sealed class Row
    {
        public string Name { get; init; } = "";
        public string Hash { get; init; } = "";
        public string Role { get; init; } = "";
        public string CreatedAt { get; init; } = "";
        public string? RevokedAt { get; init; }

        public ApiKey Record() => new(Name, Hash, Enum.Parse<AccessRole>(Role), Values.Time(CreatedAt), Values.TimeOrNull(RevokedAt));
    }
}
