// Spark's generated messages live in the namespace Spark.Connect, which inside of BatchMl.Spark means our own folder: they are called by this name instead.
global using Proto = global::Spark.Connect;
