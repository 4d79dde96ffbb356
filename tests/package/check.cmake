# Configures, builds and runs one consumer from nothing; find_package finds a fresh installation.
file(REMOVE_RECURSE ${build})

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(prefix ${build}/prefix)
run(${CMAKE_COMMAND} --install ${casasync_build} --prefix ${prefix})
run(${CMAKE_COMMAND} -S ${consumer} -B ${build}/build -G ${generator} -D CMAKE_CXX_COMPILER=${compiler}
  -D CMAKE_PREFIX_PATH=${prefix} -D CASASYNC_SOURCE=${casasync_source})
run(${CMAKE_COMMAND} --build ${build}/build)
run(${build}/build/consumer)

# An installation that names the folders it was built in breaks when they go.
file(GLOB_RECURSE package ${prefix}/*.cmake)
if(NOT package)
  message(FATAL_ERROR "Nothing was installed for find_package.")
endif()
foreach(file ${package})
  file(READ ${file} text)
  foreach(folder ${casasync_source} ${casasync_build})
    string(FIND "${text}" "${folder}" at)
    if(NOT at EQUAL -1)
      message(FATAL_ERROR "${file} names ${folder}.")
    endif()
  endforeach()
endforeach()
