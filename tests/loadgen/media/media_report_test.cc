#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "loadgen/report.h"
#include "loadgen/statistics_file.h"
#include "tests/loadgen/media/talking_texts.h"
#include "tests/support/load_texts.h"
#include "tests/support/load_world.h"

// A talking run's audio in each form of its results.

namespace loadgen {
namespace {

using ::testing::HasSubstr;
using tests::Exec;
using tests::LoadNode;
using tests::LoadWorld;
using tests::MediaFile;

class MediaReportTest : public ::testing::Test {
 protected:
  void Run(int64_t ms = 1000) {
    const std::string play = Exec(core::Concat("rtp_stream=\"", file_.path(), ",-1,0\""));
    const std::vector<const char*> arguments = {"-m", "2", "--media_marks", "--json", "unused"};
    LoadNode& server = world_.AddServer(tests::TalkingCallee(play),
                                        {"-m", "2", "--media_calls", "4", "--media_marks"});
    node_ = &world_.AddClient(
        tests::TalkingCaller(play + core::Concat("<pause milliseconds=\"", ms, "\"/>\n")),
        arguments);
    ASSERT_TRUE(server.worker().OpenMedia().ok() && node_->worker().OpenMedia().ok());
    statistics_.emplace(&node_->scenario(), &node_->worker(), 0);
    ASSERT_TRUE(statistics_->Open(csv_.path()).ok());
    ASSERT_TRUE(world_.RunToEnd());
    statistics_->WriteLine();
  }
  RunSummary Summary() {
    return {.options = &node_->config().options,
            .scenario = &node_->scenario(),
            .worker = &node_->worker(),
            .local = {},
            .remote = {},
            .started = {},
            .io = {},
            .file_losses = {}};
  }

  // Of the statistics file, by column.
  std::map<std::string, std::string> LastRow() {
    std::ifstream in(csv_.path());
    std::string values;
    EXPECT_TRUE(std::getline(in, header_) && std::getline(in, values));
    std::map<std::string, std::string> row;
    std::istringstream names(header_), cells(values);
    std::string name, cell;
    while (std::getline(names, name, ';') && std::getline(cells, cell, ';')) row[name] = cell;
    return row;
  }

  std::string header_;
  MediaFile file_{std::string(800, 'v'), "report"};
  MediaFile csv_{"", "report_csv"};
  LoadWorld world_;
  LoadNode* node_ = nullptr;
  std::optional<StatisticsFile> statistics_;
};

TEST_F(MediaReportTest, JsonHasTheSumsAndEachCall) {
  Run();
  const auto media = nlohmann::json::parse(WriteJsonReport(Summary()))["media"];
  EXPECT_EQ(media["calls"], 2);
  EXPECT_EQ(media["received"]["streams"], 2);
  EXPECT_EQ(media["received"]["lost"], 0);
  EXPECT_EQ(media["received"]["loss_ratio"], 0);
  EXPECT_EQ(media["marks"]["misrouted"], 0);
  EXPECT_GE(media["marks"]["one_way_us"]["p50"], 200);  // What the simulated network takes.
  EXPECT_GE(media["call_mos_milli"]["min"], 4400);
  EXPECT_EQ(media["sent"]["late_us"]["count"], media["sent"]["packets"]);

  ASSERT_EQ(media["per_call"].size(), 2u);
  uint64_t received = 0;
  for (const auto& call : media["per_call"]) {
    EXPECT_THAT(call["call_id"].get<std::string>(),
                HasSubstr(core::Concat(call["call"].get<uint64_t>(), "-")));
    EXPECT_GT(call["mos"], 4.4);
    EXPECT_GE(call["jitter_us"], 0);
    EXPECT_NEAR(call["sent"].get<double>(), 50, 2);
    received += call["received"].get<uint64_t>();
  }
  EXPECT_EQ(media["received"]["packets"], received);
}

TEST_F(MediaReportTest, PeopleReadTheSame) {
  Run();
  const std::string text = WriteReport(Summary());
  for (const char* piece :
       {"audio sent ", "audio received ", "2 streams in 2 calls", " lost ", "0.000 %", " MOS ",
        "4.41", " misrouted", "one-way latency", "generator limited         no"}) {
    EXPECT_THAT(text, HasSubstr(piece));
  }
}

// A round trip that nobody knows is not told as 0, in any form.
TEST_F(MediaReportTest, RoundTripsAreToldWhereTheyAreKnown) {
  Run();
  auto media = nlohmann::json::parse(WriteJsonReport(Summary()))["media"];
  EXPECT_TRUE(media["call_round_trip_us"].is_null());
  EXPECT_TRUE(media["call_mos_cq_milli"].is_null());
  EXPECT_TRUE(media["per_call"][0]["round_trip_us"].is_null());
  EXPECT_EQ(WriteReport(Summary()).find("round trip by RTCP"), std::string::npos);
  EXPECT_EQ(LastRow()["AudioRoundTripMs_p50"], "");
}

// Nor is anything else: a run that heard nothing had neither no loss nor the worst MOS.
TEST_F(MediaReportTest, WhereNothingCameThereIsNoFigure) {
  LoadNode& server = world_.AddServer(tests::TalkingCallee(""), {"-m", "1", "--media_calls", "2"});
  node_ = &world_.AddClient(tests::TalkingCaller("<pause milliseconds=\"100\"/>\n"),
                            {"-m", "1", "-rtp_echo", "--media_marks", "--json", "x"});
  ASSERT_TRUE(server.worker().OpenMedia().ok() && node_->worker().OpenMedia().ok());
  statistics_.emplace(&node_->scenario(), &node_->worker(), 0);
  ASSERT_TRUE(statistics_->Open(csv_.path()).ok());
  ASSERT_TRUE(world_.RunToEnd());
  statistics_->WriteLine();
  ASSERT_NE(node_->worker().media(), nullptr);

  const auto media = nlohmann::json::parse(WriteJsonReport(Summary()))["media"];
  EXPECT_EQ(media["silent_calls"], 1);
  EXPECT_TRUE(media["received"]["loss_ratio"].is_null());
  EXPECT_TRUE(media["sent"]["late_us"].is_null());
  EXPECT_TRUE(media["marks"]["one_way_us"].is_null());
  EXPECT_TRUE(media["marks"]["round_trip_us"].is_null());
  for (const char* name : {"call_loss_ppm", "call_jitter_us", "call_gap_us", "call_round_trip_us",
                           "call_mos_milli", "call_mos_cq_milli"}) {
    EXPECT_TRUE(media[name].is_null()) << name;
  }
  auto row = LastRow();
  for (const char* name : {"AudioSendLateMs_p50", "AudioJitterMs_p99", "AudioMos_p50",
                           "AudioLossPercent_p50", "AudioGapMs_p50"}) {
    ASSERT_EQ(row.count(name), 1u) << name;
    EXPECT_EQ(row[name], "") << name;
  }
  const std::string text = WriteReport(Summary());
  for (const char* piece : {"  jitter", "  MOS", "loss of a call", "sent late by"}) {
    EXPECT_EQ(text.find(piece), std::string::npos) << piece;
  }
}

TEST_F(MediaReportTest, RoundTripsAreToldOfEachCallAndOfAll) {
  Run(15'000);
  auto media = nlohmann::json::parse(WriteJsonReport(Summary()))["media"];
  EXPECT_EQ(media["call_round_trip_us"]["count"], 2);
  EXPECT_GT(media["call_round_trip_us"]["p95"], 100);
  EXPECT_GT(media["call_mos_cq_milli"]["p50"], 4000);
  EXPECT_GT(media["rtcp"]["sent"], 4);
  EXPECT_GT(media["per_call"][0]["round_trip_us"], 100);
  EXPECT_LT(media["per_call"][0]["mos_cq"], media["per_call"][0]["mos"]);
  EXPECT_THAT(WriteReport(Summary()), HasSubstr("round trip by RTCP"));
  EXPECT_NE(LastRow()["AudioRoundTripMs_p50"], "");
  EXPECT_NE(LastRow()["AudioMosCq_p5"], "");
  EXPECT_EQ(LastRow()["AudioLossPercent_p99"], "0.0000");
  EXPECT_NE(LastRow()["AudioGapMs_p95"], "");
}

TEST_F(MediaReportTest, TheStatisticsFileHasColumnsBehindSipps) {
  Run();
  std::map<std::string, std::string> row = LastRow();
  EXPECT_EQ(row["AudioCalls(C)"], "2");
  EXPECT_EQ(row["AudioStreams(C)"], "2");
  EXPECT_EQ(row["AudioPacketsLost(C)"], "0");
  EXPECT_EQ(row["AudioMos_p50"], "4.409");
  EXPECT_EQ(row["SuccessfulCall(C)"], "2");
  EXPECT_GT(header_.find("AudioCalls(P)"), header_.find("CallLengthStDev(C)"));
}

TEST_F(MediaReportTest, EachCallIsALineOfCsvAsItEnds) {
  MediaRecordFile file;
  const MediaFile path("", "record_csv");
  ASSERT_TRUE(file.Open(path.path()).ok());
  MediaRecord record;
  record.call_id.AssignTruncated("a;b\"c\n@h");
  record.number = 7;
  record.sent = 50;
  record.expected = 40;
  record.lost = 1;
  file.Write(record, {1'700'000'000'123'456});
  record.jitter_us = 1234;
  record.gap_us = 20'005;
  record.round_trip_us = 60'500;
  record.mos = 4.4094;
  record.echoed = 3;
  record.foreign = 2;
  record.bytes = 8600;
  record.reordered = 4;
  record.ssrc_changes = 1;
  record.payload_switches = 5;
  record.digits.AssignTruncated("12#");
  record.mos_conversation = 4.3;
  record.marks = MarkRecord{.own = {11, 7}, .peer = {12, 9}, .is_mutual = true, .sent = 50};
  file.Write(record, {1'700'000'000'123'456});

  std::ifstream in(path.path());
  std::string header, unknown, known;
  ASSERT_TRUE(std::getline(in, header) && std::getline(in, unknown) && std::getline(in, known));
  EXPECT_EQ(header + "\n", MediaRecordFile::Header());
  EXPECT_EQ(unknown, "1700000000123;7;a_b_c_@h;50;0;40;1;0;0;0;2.500;;;;;;;;;;;;;;0;0;0;0;0;0;;");
  EXPECT_EQ(known,
            "1700000000123;7;a_b_c_@h;50;0;40;1;0;0;0;2.500;1.234;20.005;60.500;4.409;4.300;"
            "11-7;12-9;1;50;0;0;0;0;3;2;8600;4;1;5;12#;");
  for (const std::string* line : {&unknown, &known}) {
    EXPECT_EQ(std::count(line->begin(), line->end(), ';'),
              std::count(header.begin(), header.end(), ';'));
  }
  EXPECT_EQ(file.lost(), 0u);
}

TEST_F(MediaReportTest, EachCallTellsItsWholeStream) {
  const std::string play = Exec(core::Concat("rtp_stream=\"", file_.path(), ",-1,0\""));
  LoadNode& server = world_.AddServer(
      tests::TalkingCallee(play + "<pause milliseconds=\"300\"/>\n" + Exec("play_dtmf=\"4#\"")),
      {"-m", "1", "--media_calls", "4"});
  node_ = &world_.AddClient(tests::TalkingCaller(Exec("rtp_echo=\"startaudio,0,PCMU/8000\"") +
                                                 "<pause milliseconds=\"2000\"/>\n"),
                            {"-m", "1", "--json", "unused"});
  ASSERT_TRUE(server.worker().OpenMedia().ok() && node_->worker().OpenMedia().ok());
  world_.RunFor(std::chrono::milliseconds(100));
  world_.network().SetLink(world_.server().ip, world_.client().ip,
                           {.delay = std::chrono::milliseconds(1),
                            .jitter = std::chrono::milliseconds(50),
                            .reorder = 0.3});
  ASSERT_TRUE(world_.RunToEnd());
  const auto media = nlohmann::json::parse(WriteJsonReport(Summary()))["media"];
  ASSERT_EQ(media["per_call"].size(), 1u);
  const auto& call = media["per_call"][0];
  EXPECT_EQ(call["digits"], "4#");
  EXPECT_EQ(call["echoed"], call["received"]);
  EXPECT_GT(call["bytes"].get<uint64_t>(), call["expected"].get<uint64_t>() * 100);
  EXPECT_EQ(call["reordered"], media["received"]["reordered"]);
  EXPECT_GT(call["reordered"], 0);
  EXPECT_EQ(call["ssrc_changes"], 0);
  EXPECT_EQ(call["payload_switches"], 0);
  EXPECT_EQ(call["foreign"], 0);
  EXPECT_EQ(media["per_call_left_out"], 0);
}

// Results of single calls have an end, and say so.
TEST_F(MediaReportTest, CallsWithoutAResultOfTheirOwnAreCounted) {
  world_.AddServer(tests::Scenario({tests::Recv("OPTIONS"), tests::SendResponse("200 OK")}),
                   {"-m", "10003"});
  node_ = &world_.AddClient(
      tests::Scenario({tests::SendRequest("OPTIONS", 1), tests::Recv("200")}),
      {"-m", "10003", "-r", "5000", "-l", "100", "-rtp_echo", "--json", "unused"});
  ASSERT_TRUE(node_->worker().OpenMedia().ok());
  ASSERT_TRUE(world_.RunToEnd());
  ASSERT_EQ(node_->counts().successful, 10003u);
  const auto media = nlohmann::json::parse(WriteJsonReport(Summary()))["media"];
  EXPECT_EQ(media["calls"], 10003);
  EXPECT_EQ(media["per_call"].size(), MediaRecord::kRecordsMax);
  EXPECT_EQ(media["per_call_left_out"], 3);
  EXPECT_THAT(WriteReport(Summary()), HasSubstr("no result of its own    3\n"));
}

// A full disk is counted, and stops nobody.
TEST_F(MediaReportTest, LinesThatFindNoRoomAreCounted) {
  MediaRecordFile file;
  ASSERT_TRUE(file.Open("/dev/full").ok());
  file.Write({}, {});
  EXPECT_EQ(file.lost(), 2u);  // The header, too.
  EXPECT_FALSE(MediaRecordFile().Open("/nowhere/media.csv").ok());
}

}  // namespace
}  // namespace loadgen
