"""Prints what an engine finds in a folder: events, seconds, seconds of FR, and first and last moment in microseconds.

python3 read_export.py pyarrow|deltalake|pyspark PATH [json]
"""
import sys


def sums(table):
    import pyarrow.compute as pc

    french = table.filter(pc.equal(table["country"], "FR"))
    moments = pc.cast(table["timestamp"], "int64")
    seconds = [pc.sum(rows["duration"]) for rows in (table, french)]
    return [table.num_rows, *seconds, pc.min(moments), pc.max(moments)]


def pyarrow(path):
    from pyarrow.dataset import dataset

    return sums(dataset(path, format="parquet", partitioning="hive").to_table())


def deltalake(path):
    from deltalake import DeltaTable

    return sums(DeltaTable(path).to_pyarrow_table())


def pyspark(path, form="parquet"):
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.session.timeZone", "UTC").config("spark.driver.host", "127.0.0.1")
    builder = builder.config("spark.ui.showConsoleProgress", "false")
    events = builder.getOrCreate().read.format(form).load(path)
    moment = "unix_micros(cast(timestamp as timestamp))"
    asked = ["count(*)", "sum(duration)", "sum(if(country = 'FR', duration, 0))", f"min({moment})", f"max({moment})"]
    return events.selectExpr(*asked).first()


engine, *where = sys.argv[1:]
print(*{"pyarrow": pyarrow, "deltalake": deltalake, "pyspark": pyspark}[engine](*where))
