using Churn.Generator;

if (args is not [var cdnow, var folder])
{
    Console.Error.WriteLine("Expected: Churn.Generator CDNOW.parquet FOLDER");
    return 2;
}
MadeTables.Write(cdnow, folder);
return 0;
