#include "loadgen/statistics_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "core/base/concat.h"
#include "tests/support/load_texts.h"
#include "tests/support/load_world.h"

// -trace_stat: SIPp's columns in SIPp's order, a line for each period.

namespace loadgen {
namespace {

using namespace std::chrono_literals;
using tests::LoadNode;
using tests::LoadWorld;
using tests::Recv;
using tests::Scenario;
using tests::SendRequest;
using tests::SendResponse;

std::vector<std::string> Cells(const std::string& line) {
  std::vector<std::string> cells;
  std::stringstream in(line);
  for (std::string cell; std::getline(in, cell, ';');) cells.push_back(cell);
  return cells;
}

struct Table {
  std::vector<std::string> columns;
  std::vector<std::map<std::string, std::string>> rows;
};

Table ReadTable(const std::string& path) {
  std::ifstream in(path);
  Table table;
  std::string line;
  std::getline(in, line);
  table.columns = Cells(line);
  while (std::getline(in, line)) {
    const std::vector<std::string> cells = Cells(line);
    EXPECT_EQ(cells.size(), table.columns.size());
    auto& row = table.rows.emplace_back();
    for (size_t i = 0; i < cells.size(); ++i) row[table.columns[i]] = cells[i];
  }
  return table;
}

TEST(StatisticsFileTest, HasSippsColumnsAndAPeriodALine) {
  LoadWorld world;
  world.network().SetDefaultLink({.delay = 15ms});
  world.AddServer(Scenario({Recv("OPTIONS"), SendResponse("200 OK")}), {"-m", "20"});
  const std::string repartitions =
      "<ResponseTimeRepartition value=\"10, 40\"/><CallLengthRepartition value=\"30\"/>";
  LoadNode& client = world.AddClient(Scenario({SendRequest("OPTIONS", 1, "counter=\"asked\""),
                                               Recv("200", "rtd=\"true\""), repartitions}),
                                     {"-r", "10", "-m", "20"});
  const std::string path = core::Concat(testing::TempDir(), "/stat_", getpid(), ".csv");
  StatisticsFile file(&client.scenario(), &client.worker(), 3600);
  ASSERT_TRUE(file.Open(path).ok());

  world.RunFor(1s);
  client.worker().Turn();
  file.WriteLine();
  ASSERT_TRUE(world.RunToEnd());
  file.WriteLine();

  const Table table = ReadTable(path);
  std::remove(path.c_str());
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.columns[0], "StartTime");
  // What SIPp's own regression test 0152 looks at, counted from 0.
  EXPECT_EQ(table.columns[12], "TotalCallCreated");
  EXPECT_EQ(table.columns[17], "FailedCall(C)");
  EXPECT_THAT(table.columns, testing::Contains("FailedUnexpectedMessage(C)"));
  EXPECT_THAT(table.columns, testing::Contains("ResponseTimeRepartition1_<10"));
  EXPECT_EQ(table.columns.back(), "CallLengthRepartition_>=30");
  auto first = table.rows[0];
  auto last = table.rows[1];
  EXPECT_THAT(first["StartTime"], testing::StartsWith("2023-11-15\t00:13:20.000000\t1700003600."));
  EXPECT_EQ(first["ElapsedTime(C)"], "00:00:01");
  EXPECT_EQ(first["TargetRate"], "10");
  EXPECT_EQ(first["OutgoingCall(C)"], "11");
  EXPECT_EQ(first["SuccessfulCall(P)"], "10");
  EXPECT_EQ(first["CurrentCall"], "1");
  EXPECT_EQ(last["OutgoingCall(P)"], "9");
  EXPECT_EQ(last["OutgoingCall(C)"], "20");
  EXPECT_EQ(last["SuccessfulCall(C)"], "20");
  EXPECT_EQ(last["FailedCall(C)"], "0");
  EXPECT_EQ(last["asked(C)"], "20");
  EXPECT_EQ(last["ResponseTime1(C)"], "00:00:00:030000");
  EXPECT_EQ(last["ResponseTime1StDev(C)"], "00:00:00:000000");
  EXPECT_EQ(last["ResponseTimeRepartition1_<10"], "0");
  EXPECT_EQ(last["ResponseTimeRepartition1_<40"], "20");
  EXPECT_EQ(last["CallLengthRepartition_>=30"], "20");
}

// As SIPp 3.6 has it: -users has no rate, and TargetRate is their number.
TEST(StatisticsFileTest, TheTargetOfUsersIsTheirNumber) {
  LoadWorld world;
  LoadNode& client = world.AddClient(Scenario({SendRequest("OPTIONS", 1)}), {"-users", "3"});
  const std::string path = core::Concat(testing::TempDir(), "/users_", getpid(), ".csv");
  StatisticsFile file(&client.scenario(), &client.worker(), 0);
  ASSERT_TRUE(file.Open(path).ok());
  file.WriteLine();
  Table table = ReadTable(path);
  std::remove(path.c_str());
  ASSERT_EQ(table.rows.size(), 1u);
  EXPECT_EQ(table.rows[0]["TargetRate"], "3");
}

// /dev/full is a disk without room: the run goes on, and the lines that are missing are counted.
TEST(StatisticsFileTest, CountsWhatAFullDiskRefuses) {
  LoadWorld world;
  LoadNode& client = world.AddClient(Scenario({SendRequest("OPTIONS", 1)}), {"-m", "1"});
  StatisticsFile file(&client.scenario(), &client.worker(), 0);
  ASSERT_TRUE(file.Open("/dev/full").ok());
  file.WriteLine();
  EXPECT_EQ(file.lost(), 2u);  // With the header.
}

TEST(StatisticsFileTest, SaysWhereItCannotWrite) {
  LoadWorld world;
  LoadNode& client = world.AddClient("uac");
  StatisticsFile file(&client.scenario(), &client.worker(), 0);
  const absl::Status status = file.Open("/nonexistent/stat.csv");
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("/nonexistent/stat.csv"));
}

TEST(StatisticsTest, MomentsAreMeanAndDeviation) {
  Moments moments;
  EXPECT_EQ(moments.mean(), 0);
  EXPECT_EQ(moments.deviation(), 0);
  for (const double value : {2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0}) moments.Add(value);
  EXPECT_EQ(moments.mean(), 5);
  EXPECT_EQ(moments.deviation(), 2);
}

}  // namespace
}  // namespace loadgen
