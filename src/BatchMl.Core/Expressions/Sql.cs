namespace BatchMl.Expressions;

/// <summary>
/// What C# lacks inside an expression tree: arithmetic on times with nullable amounts, and local time by IANA zone. Null in, null out. They can also be called outside of
/// a definition and then compute the same.
/// </summary>
public static class Sql
{
}
